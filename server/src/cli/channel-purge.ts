import { Admin } from '@waybill/proto/waybill/v1/admin';
import { confirmed } from './ask.js';
import type { ConnectionFlags } from './connection.js';
import { type GatewayClient, withGateway } from './gateway-client.js';
import { type OutputFlags, printJson, printLine } from './output.js';
import { progressOf } from './progress.js';

export interface PurgeFlags extends ConnectionFlags, OutputFlags {
  readonly ready?: boolean;
  readonly scheduled?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

interface Hit {
  readonly ready: number;
  readonly scheduled: number;
  readonly complete: boolean;
}

/** Calls again until all is gone that was there: each call ends what was accepted before it, so one that hits nothing is the end. */
export function purge(topic: string, channel: string, flags: PurgeFlags): Promise<void> {
  return withGateway(flags, async (gateway) => {
    const what = {
      topic,
      channel,
      ready: flags.ready === true || flags.scheduled !== true,
      scheduled: flags.scheduled === true,
    };
    const call = (dryRun: boolean) => hitOf(gateway, { ...what, dryRun });
    const dryRun = flags.dryRun === true;
    if (dryRun) return print(flags, topic, channel, await call(true), dryRun);
    if (flags.yes !== true) {
      const { ready, scheduled } = await call(true);
      await confirmed(`purge ${topic}/${channel}: about ${ready} ready, ${scheduled} retries`, false);
    }
    const progress = progressOf('purged', undefined);
    let sum: Hit = { ready: 0, scheduled: 0, complete: false };
    try {
      for (let last = 1; !sum.complete && last > 0; ) {
        const { ready, scheduled, complete } = await call(false);
        last = ready + scheduled;
        sum = { ready: sum.ready + ready, scheduled: sum.scheduled + scheduled, complete };
        progress.at(sum.ready + sum.scheduled);
      }
    } finally {
      progress.end();
    }
    print(flags, topic, channel, sum, dryRun);
  });
}

interface Request {
  readonly topic: string;
  readonly channel: string;
  readonly ready: boolean;
  readonly scheduled: boolean;
  readonly dryRun: boolean;
}

async function hitOf(gateway: GatewayClient, request: Request): Promise<Hit> {
  const { ready, scheduled, complete } = await gateway.call(Admin.method.purgeChannel, request);
  return { ready: Number(ready), scheduled: Number(scheduled), complete };
}

function print({ json }: OutputFlags, topic: string, channel: string, hit: Hit, dryRun: boolean): void {
  if (json === true) {
    printJson({ ...hit, dryRun });
    return;
  }
  const { ready, scheduled, complete } = hit;
  const rest = complete ? '' : '; some are left with consumers or in transit';
  printLine(
    `${dryRun ? 'would purge' : 'purged'} ${topic}/${channel}: ${dryRun ? 'about ' : ''}${ready} ready, ${scheduled} retries${rest}`,
  );
}
