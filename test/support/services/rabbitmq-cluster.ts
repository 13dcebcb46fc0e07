import { basename, join } from 'node:path';
import type { ManagedProcess } from '../managed-process.js';
import { freePorts } from '../ports.js';
import { tempFolder } from '../reaper.js';
import { until } from '../until.js';
import { NEEDS, programOf } from './choose.js';
import { ensureDebianPackages } from './debian.js';
import { thisMachine } from './machine.js';
import { type RabbitNode, rabbitNode, startEpmd } from './rabbitmq.js';

const NODES = 3;
/** Seconds after which nodes give up one that is silent. The default of 60 is long for a test. */
const TICK_SECONDS = 5;
const FORMED_MS = 60_000;
const QUEUES_AND_CONSUMERS = [
  ['list_queues', 'name', 'leader', 'online', 'messages_ready', 'messages_unacknowledged', 'consumers'],
  ['list_consumers', 'queue_name', 'channel_pid', 'consumer_tag', 'prefetch_count', 'active'],
  ['list_channels', 'pid', 'connection', 'consumer_count', 'messages_unacknowledged', 'messages_unconfirmed'],
];

/** One of the nodes, which a test may stop, kill, freeze or cut off. */
export interface ClusterNode {
  /** `name@localhost`, as RabbitMQ calls it. */
  readonly name: string;
  readonly url: string;
  readonly server: ManagedProcess;
  ctl(...args: readonly string[]): Promise<string>;
}

export interface QuorumQueue {
  readonly name: string;
  readonly leader: string;
  readonly members: readonly string[];
  readonly online: readonly string[];
}

/** Three RabbitMQ nodes of the machine's own program, on loopback, that are one cluster: `pause_minority`, own epmd, own cookie. */
export class RabbitCluster {
  readonly nodes: readonly ClusterNode[];
  readonly #epmd: ManagedProcess;
  readonly #folder: { remove(): void };
  readonly #cut = new Set<ClusterNode>();

  static async start(): Promise<RabbitCluster> {
    const program = await rabbitProgram();
    const folder = tempFolder('rabbitmq-cluster');
    const [epmdPort = 0, ...ports] = await freePorts(1 + 2 * NODES);
    const epmd = await startEpmd(folder.path, epmdPort);
    const names = Array.from({ length: NODES }, (_, index) => `${basename(folder.path)}-${index + 1}@localhost`);
    const config = [
      'cluster_partition_handling = pause_minority',
      `net_ticktime = ${TICK_SECONDS}`,
      'cluster_formation.peer_discovery_backend = rabbit_peer_discovery_classic_config',
      ...names.map((name, index) => `cluster_formation.classic_config.nodes.${index + 1} = ${name}`),
    ];
    const nodes = names.map((name, index) => {
      const [port = 0, distPort = 0] = ports.slice(2 * index);
      const home = folder.path;
      const own = join(folder.path, `${index + 1}`);
      const node: RabbitNode = rabbitNode({ program, name, home, folder: own, port, distPort, epmdPort, config });
      return { name, ...node };
    });
    const cluster = new RabbitCluster(nodes, epmd, folder);
    try {
      await cluster.#form();
    } catch (error) {
      await cluster.remove();
      throw error;
    }
    return cluster;
  }

  private constructor(nodes: readonly ClusterNode[], epmd: ManagedProcess, folder: { remove(): void }) {
    this.nodes = nodes;
    this.#epmd = epmd;
    this.#folder = folder;
  }

  /** Config `AmqpUrl` for all nodes, with a heartbeat in seconds. */
  url(heartbeat: number): string {
    return this.nodes.map(({ url }) => `${url}/?heartbeat=${heartbeat}`).join(',');
  }

  node(name: string): ClusterNode {
    const node = this.nodes.find((each) => each.name === name);
    if (node === undefined) throw new Error(`${name} is no node of this cluster`);
    return node;
  }

  /** The quorum queues whose names begin so, as a node that runs sees them. */
  async queues(prefix: string, at = this.nodes.find(({ server }) => server.pid !== undefined)): Promise<QuorumQueue[]> {
    if (at === undefined) throw new Error('no node runs');
    const items = ['name', 'leader', 'members', 'online'];
    const rows: (QuorumQueue & { readonly leader?: string })[] = JSON.parse(
      await at.ctl('list_queues', '--quiet', '--formatter', 'json', ...items),
    );
    return rows.filter(({ name, leader }) => name.startsWith(prefix) && leader !== undefined && leader !== '');
  }

  /** What each node says of queues and of who consumes them, for whoever looks for a fault. */
  async tell(): Promise<string[]> {
    const told: string[] = [];
    for (const { name, ctl } of this.nodes) {
      for (const about of QUEUES_AND_CONSUMERS) {
        const said = await ctl(...about).catch((error: unknown) => String(error));
        told.push(`${name}: ${about.join(' ')}\n${said}`);
      }
    }
    return told;
  }

  /**
   * Cuts a node off from all others at once; programs that are connected to it stay so. Where the others lose it one after the
   * other, RabbitMQ takes that for a partial partition, and one of them pauses too until the whole cluster is back.
   */
  async cutOff(node: ClusterNode): Promise<void> {
    this.#cut.add(node);
    const closed = this.#toOthers(node, (other) => `erlang:set_cookie(${other}, cut)`);
    const apart = this.#toOthers(node, (other) => `erlang:disconnect_node(${other})`);
    await node.ctl('eval', `${closed}, process_flag(priority, max), ${apart}, ok.`);
  }

  /** Ends what `cutOff` did. */
  async heal(node: ClusterNode): Promise<void> {
    const open = this.#toOthers(node, (other) => `erlang:set_cookie(${other}, erlang:get_cookie())`);
    await node.ctl('eval', `${open}, ok.`);
    this.#cut.delete(node);
  }

  /** Ends whatever trouble there is; resolves when all nodes are one cluster again. */
  async mend(): Promise<void> {
    for (const { server } of this.nodes) server.resume();
    await Promise.all(this.nodes.map(({ server }) => (server.pid === undefined ? server.start() : undefined)));
    for (const node of this.#cut) await this.heal(node);
    const [first] = this.nodes;
    if (first !== undefined) await this.whole(first);
  }

  /** Resolves when this node serves, and knows all others as running. */
  async whole(at: ClusterNode): Promise<void> {
    await until(async () => {
      const status: { running_nodes: readonly string[] } = JSON.parse(
        await at.ctl('cluster_status', '--quiet', '--formatter', 'json'),
      );
      if (status.running_nodes.length < NODES) throw new Error(`only ${status.running_nodes} run`);
    }, FORMED_MS);
  }

  /** Ends all at once and removes their data. */
  async remove(): Promise<void> {
    await Promise.all(
      [...this.nodes.map(({ server }) => server), this.#epmd].map((process) => process.kill('SIGKILL')),
    );
    this.#folder.remove();
  }

  /** The first node makes the cookie and the cluster; the others join it when they start. */
  async #form(): Promise<void> {
    const [first, ...others] = this.nodes;
    if (first === undefined) return;
    await first.server.start();
    await Promise.all(others.map(({ server }) => server.start()));
    await this.whole(first);
  }

  #toOthers(node: ClusterNode, expression: (other: string) => string): string {
    const others = this.nodes.filter(({ name }) => name !== node.name);
    return others.map(({ name }) => expression(`'${name}'`)).join(', ');
  }
}

async function rabbitProgram(): Promise<string> {
  const installed = programOf('rabbitmq', thisMachine);
  if (installed !== undefined) return installed;
  const { debian } = NEEDS.rabbitmq;
  await ensureDebianPackages([debian]);
  const program = programOf('rabbitmq', thisMachine);
  if (program === undefined) throw new Error(`${debian} is installed, and its programs are not there`);
  return program;
}
