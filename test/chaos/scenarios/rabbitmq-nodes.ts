import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterNode, QuorumQueue, RabbitCluster } from '../../support/services/rabbitmq-cluster.js';
import { until } from '../../support/until.js';
import { rabbitCluster } from '../rabbit-cluster.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { Traffic } from '../traffic.js';
import { Witness } from '../witness.js';

/** Seconds; the gateway's own default is 15. */
const HEARTBEAT = 2;
/** With one node of three away, messages go through again within this. A frozen one is found by heartbeat and net_ticktime first. */
const SOON_MS = 30_000;
/** See rabbitmq-killed.ts. */
const QUEUE_AGE_MS = 8_000;

export const rabbitmqRollingRestart = trouble({
  name: 'rabbitmq-rolling-restart',
  title: 'a RabbitMQ cluster: each of three nodes is stopped and started in turn, under load',
  rounds: [3, 1],
  ageMs: 0,
  victim: (cluster, _queue, round) => cluster.nodes[round % cluster.nodes.length],
  begin: (_cluster, { server }) => server.stop(),
  end: (_cluster, { server }) => server.start(),
});

export const rabbitmqNodeKilled = trouble({
  name: 'rabbitmq-node-killed',
  title: 'a RabbitMQ cluster: SIGKILL of the node that leads the queue, and back',
  rounds: [3, 1],
  ageMs: QUEUE_AGE_MS,
  victim: leader,
  begin: (_cluster, { server }) => server.kill(),
  end: (_cluster, { server }) => server.start(),
});

export const rabbitmqNodeFrozen = trouble({
  name: 'rabbitmq-node-frozen',
  title: 'a RabbitMQ cluster: the node that leads the queue freezes past net_ticktime, and is killed and started',
  rounds: [1, 1],
  ageMs: 0,
  victim: leader,
  begin: async (_cluster, { server }) => server.pause(),
  // As whoever watches over a machine does: one that merely thaws may hang, as RabbitMQ stops itself before it joins again.
  async end(_cluster, { server }) {
    await server.kill();
    await server.start();
  },
});

export const rabbitmqPartition = trouble({
  name: 'rabbitmq-partition',
  title: 'a RabbitMQ cluster: the node that leads the queue is cut off from the others, and healed',
  rounds: [1, 1],
  ageMs: 0,
  victim: leader,
  begin: (cluster, node) => cluster.cutOff(node),
  end: (cluster, node) => cluster.heal(node),
});

interface Trouble extends Pick<Scenario, 'name' | 'title'> {
  /** In full, in short. */
  readonly rounds: readonly [number, number];
  /** How old the queue is before the first trouble. */
  readonly ageMs: number;
  victim(cluster: RabbitCluster, queue: QuorumQueue, round: number): ClusterNode | undefined;
  begin(cluster: RabbitCluster, node: ClusterNode): Promise<void>;
  end(cluster: RabbitCluster, node: ClusterNode): Promise<void>;
}

/** Two gateways on all three nodes. Messages go through while a node is away; when it is back, the queue has all its members online. */
function trouble({ name, title, rounds, ageMs, victim, begin, end }: Trouble): Scenario {
  return {
    name,
    title,
    engines: ['cluster'],
    async play(stage) {
      const cluster = await rabbitCluster(stage);
      const { witnesses, traffic, queue } = await underLoad(stage, cluster);
      await delay(ageMs);
      let recovered = 0;
      for (let round = 0; round < stage.pick(...rounds); round++) {
        await traffic.flows(stage.pick(2_000, 300));
        const node = victim(cluster, await queue(), round);
        if (node === undefined) throw new Error('no node to break');
        await begin(cluster, node);
        const away = performance.now();
        // What counts is how soon the others take over, too.
        recovered = Math.max(recovered, await traffic.recovered(SOON_MS));
        await traffic.flows(stage.pick(2_000, 300), SOON_MS);
        await delay(Math.max(0, away + stage.pick(60_000 / rounds[0], 2_000) - performance.now()));
        await end(cluster, node);
        recovered = Math.max(recovered, await traffic.recovered());
        await until(async () => whole(cluster, await queue()), 60_000);
      }
      await traffic.flows(stage.pick(2_000, 200));
      const outcome = await traffic.finish(recovered);
      for (const witness of witnesses) {
        await witness.says([]);
        witness.check();
      }
      return outcome;
    },
  };
}

async function underLoad(stage: Stage, cluster: RabbitCluster) {
  const group = await stage.group();
  const settings = { AmqpUrl: cluster.url(HEARTBEAT), DLMExpiration: 1 };
  const gateways = [await group.start(settings), await group.start(settings)];
  const witnesses = gateways.map((gateway) => Witness.of(stage, gateway));
  const urls = gateways.map(({ rpcUrl }) => rpcUrl);
  const lookAtLost = () => cluster.tell();
  const traffic = await Traffic.start(stage, urls, { rate: 1_000, mix: { delayed: 0.1, nacked: 0.1 }, lookAtLost });
  const queue = async () => {
    const [found] = await cluster.queues(`${group.space?.prefix}/work/`);
    if (found === undefined) throw new Error('the queue of the channel is not there');
    return found;
  };
  whole(cluster, await queue());
  return { witnesses, traffic, queue };
}

/** Throws unless the queue is replicated to all nodes, and they are there. */
function whole({ nodes }: RabbitCluster, queue: QuorumQueue): void {
  if (queue.members.length === nodes.length && queue.online.length === nodes.length) return;
  throw new Error(`a quorum queue has not ${nodes.length} members that are online: ${JSON.stringify(queue)}`);
}

function leader(cluster: RabbitCluster, queue: QuorumQueue): ClusterNode {
  return cluster.node(queue.leader);
}
