import { type Bus, connect } from '@waybill/sdk';
import type { Command } from 'commander';
import { type TlsFlags, tlsFiles } from './tls.js';

export interface ConnectionFlags extends TlsFlags {
  readonly url?: string;
  readonly token?: string;
}

/** The options of every command that talks to a gateway. */
export function withConnection(command: Command): Command {
  return command
    .option('-u, --url <host:port>', 'the gateway (default: $WAYBILL_URL, $MQ_HOST, localhost:9091)')
    .option('--token <token>', 'a token, where the gateway asks for one (default: $WAYBILL_TOKEN)')
    .option(
      '--tls-ca <file>',
      'authorities to trust, PEM, which also turns TLS on (default: $WAYBILL_CA, then the system)',
    )
    .option('--tls-cert <file>', 'a client certificate, PEM, for mutual TLS (default: $WAYBILL_CERT)')
    .option('--tls-key <file>', 'its private key, PEM (default: $WAYBILL_KEY)');
}

export function open({ url, token = process.env.WAYBILL_TOKEN, ...flags }: ConnectionFlags): Promise<Bus> {
  const tls = tlsFiles(flags);
  return connect({
    deadline: '10s',
    name: `waybill-cli:${process.pid}`,
    ...(url === undefined ? {} : { url }),
    ...(token === undefined ? {} : { token }),
    ...(tls === undefined ? {} : { tls }),
  });
}

/** Aborted by the first SIGINT or SIGTERM, so that a command can end in order; the next one ends it at once. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      controller.abort();
      process.once(name, () => process.exit(130));
    });
  }
  return controller.signal;
}
