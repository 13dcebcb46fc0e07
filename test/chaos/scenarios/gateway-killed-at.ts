import { setTimeout as delay } from 'node:timers/promises';
import type { Gateway } from '../../support/gateway.js';
import { written } from '../data-file.js';
import type { Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';
import { Traffic } from '../traffic.js';
import { amqp, basicAck, ledgerCommit, mysql, type Trap } from '../wire.js';
import { type Moment, WireTap } from '../wire-tap.js';

interface Step {
  readonly name: string;
  readonly title: string;
  /** Where the step shows between a gateway and its services, and on which side of it the gateway dies; one kill after the other. */
  readonly wire: {
    readonly service: 'rabbitmq' | 'mysql';
    readonly trap: () => Trap;
    readonly moments: readonly Moment[];
  };
  /** Resolves as near the step as it can be seen from outside, where there are no services. */
  readonly seen: (traffic: Watched, gateway: Gateway) => Promise<void>;
}

/** Traffic, and when it asks for an ack. */
interface Watched {
  readonly traffic: Traffic;
  /** Resolves with the next ack that is asked for. */
  acking(): Promise<void>;
}

const SETTINGS = { DLMExpiration: 1 };
const RATE = 1_500;

const steps: readonly Step[] = [
  {
    name: 'gateway-killed-after-confirm',
    title: 'SIGKILL as the broker confirms a publish, before and just after the gateway hears of it',
    wire: { service: 'rabbitmq', trap: basicAck('server'), moments: ['before', 'after'] },
    seen: ({ traffic }) => traffic.flows(1),
  },
  {
    name: 'gateway-killed-after-ledger-write',
    title: 'SIGKILL as the ledger has committed, before and just after the gateway hears of it',
    wire: { service: 'mysql', trap: ledgerCommit, moments: ['before', 'after'] },
    // Its sync is under way, and nobody was answered.
    seen: (_, gateway) => written(gateway),
  },
  {
    name: 'gateway-killed-before-ack',
    title: 'SIGKILL when an ack is in the ledger, and not yet with the broker',
    wire: { service: 'rabbitmq', trap: basicAck('client'), moments: ['before'] },
    async seen({ acking }) {
      await acking();
      // Somewhere between the client's socket and the disk.
      await delay(Math.random() * 4);
    },
  },
  {
    name: 'gateway-killed-after-ack',
    title: 'SIGKILL as soon as an ack is done',
    wire: { service: 'rabbitmq', trap: basicAck('client'), moments: ['after'] },
    async seen({ traffic: { checker } }) {
      const { acked } = checker.report;
      await checker.until((report) => report.acked > acked, 20_000);
    },
  },
];

/** The gateway dies at one step of its work, again and again. Its clients stay, and find it again by themselves. */
export const gatewayKilledAt: readonly Scenario[] = steps.map((step) => ({
  name: step.name,
  title: step.title,
  engines: ['embedded', 'cluster'],
  play: (stage) => play(stage, step),
}));

async function play(stage: Stage, step: Step) {
  const { gateway, strike } = await (stage.engine === 'cluster' ? onTheWire(stage, step) : fromOutside(stage, step));
  let asked = () => {};
  const traffic = await Traffic.start(stage, [gateway.rpcUrl], { rate: RATE, acking: () => asked() });
  const acking = () =>
    new Promise<void>((resolve) => {
      asked = resolve;
    });
  let recovered = 0;
  for (let kill = 0; kill < stage.pick(10, 2); kill++) {
    await traffic.flows(stage.pick(500, 200));
    await strike({ traffic, acking }, kill);
    await gateway.start();
    recovered = Math.max(recovered, await traffic.recovered());
  }
  return traffic.finish(recovered);
}

/** Answers the gateway, and what kills it for the n-th time. */
async function onTheWire(stage: Stage, { wire: { service, trap, moments } }: Step) {
  const tap = await WireTap.start(stage, stage.services[service], service === 'mysql' ? mysql : amqp, trap);
  const gateway = await stage.gateway(SETTINGS, { [service]: tap.url });
  return {
    gateway,
    async strike(_: Watched, kill: number) {
      let dying: Promise<void> | undefined;
      await tap.strike(moments[kill % moments.length] ?? 'before', () => {
        dying = gateway.kill();
      });
      await dying;
    },
  };
}

async function fromOutside(stage: Stage, { seen }: Step) {
  const gateway = await stage.gateway(SETTINGS);
  return {
    gateway,
    async strike(watched: Watched) {
      await seen(watched, gateway);
      await gateway.kill();
    },
  };
}
