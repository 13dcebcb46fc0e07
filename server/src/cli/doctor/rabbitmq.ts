import { connect } from 'amqplib';
import { parseUrl, splitAmqpUrls } from '../../config/address.js';
import type { Config } from '../../config/schema.js';
import { isLoopback } from '../../model/loopback.js';
import { atLeastVersion, type Check, fail, ok, reasonOf, warn } from './check.js';

const TIMEOUT_MS = 5_000;
const LEAST_VERSION = '3.10';

/** Each node by itself: a gateway needs one, and all should work. */
export async function checkRabbit({ AmqpUrl }: Config): Promise<Check[]> {
  return (await Promise.all(splitAmqpUrls(AmqpUrl).map(checkNode))).flat();
}

async function checkNode(text: string): Promise<Check[]> {
  const url = parseUrl(text);
  const name = `rabbitmq ${url?.host ?? ''}`;
  if (url === undefined) return [fail(name, 'the URL cannot be read', 'see AmqpUrl in docs/configuration.md')];
  try {
    const model = await connect(url.href, { timeout: TIMEOUT_MS });
    // Without a listener an 'error' would end the process.
    model.on('error', () => {});
    try {
      const version = String(model.connection.serverProperties.version);
      return [versionCheck(name, version), tlsCheck(name, url)];
    } finally {
      await model.close().catch(() => undefined);
    }
  } catch (error) {
    const reason = reasonOf(error);
    const advice = reason.includes('ACCESS_REFUSED')
      ? 'check user and password in AmqpUrl (rabbitmqctl authenticate_user)'
      : reason.includes('ConnectionOpenOk')
        ? 'make the virtual host, and give the user rights there (rabbitmqctl set_permissions)'
        : 'start it, or mend AmqpUrl; look at firewalls between';
    return [fail(name, reason, advice)];
  }
}

function versionCheck(name: string, version: string): Check {
  return atLeastVersion(version, LEAST_VERSION)
    ? ok(name, `RabbitMQ ${version}`)
    : fail(name, `RabbitMQ ${version}`, `quorum queues as the gateway needs them come with ${LEAST_VERSION}: upgrade`);
}

function tlsCheck(name: string, { protocol, hostname }: URL): Check {
  if (protocol === 'amqps:') return ok(`${name} tls`, 'encrypted, certificate valid');
  if (isLoopback(hostname)) return ok(`${name} tls`, 'plain, on this machine');
  return warn(`${name} tls`, 'plain over a network', 'use amqps:// unless the network is private');
}
