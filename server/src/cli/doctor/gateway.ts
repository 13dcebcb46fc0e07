import { Admin, type Node } from '@waybill/proto/waybill/v1/admin';
import { isLoopback } from '../../model/loopback.js';
import type { ConnectionFlags } from '../connection.js';
import { CommandError } from '../failure.js';
import { type GatewayClient, withGateway } from '../gateway-client.js';
import { atLeastVersion, type Check, clockCheck, fail, ok, warn } from './check.js';

/** What a gateway that runs says of itself and the others. */
export async function checkGateway(flags: ConnectionFlags, version: string): Promise<Check[]> {
  try {
    return await withGateway(flags, (gateway) => checksOf(gateway, version));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const away = error.code === 'UNAVAILABLE' || error.code === 'DEADLINE_EXCEEDED';
    const advice = away
      ? 'start it (waybill serve), or name it with --url or WAYBILL_URL; --no-gateway leaves it out'
      : 'look at its log; --token gives a token where one is asked for';
    return [fail('gateway', error.message, advice)];
  }
}

async function checksOf(gateway: GatewayClient, version: string): Promise<Check[]> {
  const asked = Date.now();
  const { stats } = await gateway.call(Admin.method.getStats, {});
  const answered = Date.now();
  const { nodes } = await gateway.call(Admin.method.listNodes, { pageSize: 1_000 });
  return [
    ok('gateway', `${gateway.address} answers in ${answered - asked} ms`),
    tlsCheck(gateway),
    clockCheck('gateway clock', Number(stats?.timeMs ?? 0), asked, answered),
    versionsCheck(nodes, version),
    ...nodes
      .filter(({ draining }) => draining)
      .map(({ name }) => warn('gateway state', `${name} is draining`, 'wait, or start it again')),
    stats?.depths?.ready === undefined
      ? warn('gateway depths', 'not known', 'the broker is away, or there are more than 500 channels')
      : ok('gateway depths', `${stats.depths.ready} ready, ${stats.depths.dead} dead`),
  ];
}

function tlsCheck({ address, secure }: GatewayClient): Check {
  if (secure) return ok('gateway tls', 'encrypted, certificate valid');
  if (isLoopback(address.slice(0, address.lastIndexOf(':')))) return ok('gateway tls', 'plain, on this machine');
  return warn(
    'gateway tls',
    'plain over a network',
    'set TlsCert and TlsKey at the gateway and use grpcs:// (docs/security.md)',
  );
}

function versionsCheck(nodes: readonly Node[], version: string): Check {
  const versions = [...new Set(nodes.map((node) => node.version))].sort();
  const found = `${nodes.length} gateways of version ${versions.join(', ') || '?'}; this command is ${version}`;
  if (versions.length > 1) return warn('versions', found, 'bring all gateways to one version');
  const [theirs = version] = versions;
  return atLeastVersion(version, theirs) && atLeastVersion(theirs, version)
    ? ok('versions', found)
    : warn('versions', found, 'use the command of the same version');
}
