import { readFileSync } from 'node:fs';
import { type ChannelCredentials, credentials } from '@grpc/grpc-js';
import { CommandError } from './failure.js';

export interface TlsFlags {
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

/** PEM, each. */
export interface TlsFiles {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/** The files that options or the environment name; undefined where none is named. */
export function tlsFiles(flags: TlsFlags): TlsFiles | undefined {
  const { tlsCa = process.env.WAYBILL_CA, tlsCert = process.env.WAYBILL_CERT } = flags;
  const { tlsKey = process.env.WAYBILL_KEY } = flags;
  if (!tlsCa && !tlsCert && !tlsKey) return undefined;
  if (Boolean(tlsCert) !== Boolean(tlsKey)) {
    throw new CommandError('INVALID_ARGUMENT', '--tls-cert and --tls-key go together');
  }
  return {
    ...(tlsCa ? { ca: read('--tls-ca', tlsCa) } : {}),
    ...(tlsCert ? { cert: read('--tls-cert', tlsCert) } : {}),
    ...(tlsKey ? { key: read('--tls-key', tlsKey) } : {}),
  };
}

export function channelCredentials({ ca, cert, key }: TlsFiles): ChannelCredentials {
  return credentials.createSsl(ca ?? null, key ?? null, cert ?? null);
}

function read(option: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new CommandError('INVALID_ARGUMENT', `${option}: ${words}`);
  }
}
