import { pino } from 'pino';
import type { Logger } from '../ports/logger.js';
import { textLine } from './text-line.js';

/** The keys of the configuration that matter here. */
export interface LogOptions {
  readonly Debug: boolean;
  readonly LogFormat: 'json' | 'text';
}

export interface LogSink {
  write(line: string): void;
}

/**
 * Fields that drivers and settings keep secrets or whole messages in: ioredis puts the arguments of AUTH into its errors, mysql2
 * the statement with its values.
 */
const SECRET_FIELDS = ['password', 'secret', 'authorization', 'DB_PASSWORD', 'RedisPassword', 'sql', 'command.args'];

/** Characters of lines that could not be written yet. */
const MAX_UNWRITTEN = 1_048_576;

/** The password of a URL, wherever it stands in a line. */
const URL_PASSWORD = /(:\/\/[^\s:@/"]*):[^\s/"]+@/g;

/**
 * Logs to standard output, without a buffer: nothing is lost when the process ends. `err` and `error` are written with type,
 * message and stack.
 */
export function createLogger(options: LogOptions, sink: LogSink = standardOutput()): Logger {
  const lines: LogSink = options.LogFormat === 'json' ? sink : { write: (line) => sink.write(textLine(line)) };
  return pino(
    {
      level: options.Debug ? 'debug' : 'info',
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]), censor: '******' },
      hooks: { streamWrite: (line) => line.replace(URL_PASSWORD, '$1:******@') },
    },
    lines,
  );
}

function standardOutput(): LogSink {
  return logTo(1);
}

/** A log that cannot be written, because its disk is full, ends nothing: lines wait for the next try, and past a bound they are dropped. */
export function logTo(fd: number): LogSink {
  const file = pino.destination({ dest: fd, sync: true, maxLength: MAX_UNWRITTEN });
  file.on('error', () => {});
  return file;
}
