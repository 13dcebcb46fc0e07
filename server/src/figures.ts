import type { DepthReadings } from './bus/admin/readings.js';
import type { Bus } from './bus/bus.js';
import type { Limit } from './bus/limit.js';
import type { ChannelTally } from './bus/tally.js';
import type { Channel } from './model/channel.js';
import { OTHER } from './observability/metric-table.js';
import { Samples } from './observability/metrics.js';
import type { Dependency } from './ports/service.js';

export interface FigureSources {
  readonly bus: Bus;
  readonly readings: DepthReadings;
  readonly streams: Limit;
  readonly dependencies: readonly Dependency[];
  readonly shards: () => readonly number[];
  readonly version: string;
  readonly engine: string;
  /** Config `MetricsMaxChannels`. */
  readonly most: number;
}

/** How long a scrape waits for depths: Prometheus gives up after 10 s, and the rest of the page must not depend on an engine. */
const PATIENCE_MS = 1_000;

/** Everything that `/metrics` tells, at this moment. */
export async function figures(sources: FigureSources): Promise<Samples> {
  const samples = new Samples();
  addTallies(samples, sources);
  addLocals(samples, sources);
  addState(samples, sources);
  await addDepths(samples, sources);
  return samples;
}

function addTallies(samples: Samples, { bus, streams }: FigureSources): void {
  const { tally } = bus;
  for (const [topic, count] of tally.topics) samples.set('waybill_messages_accepted_total', count, { topic });
  samples.set('waybill_messages_accepted_total', tally.otherTopics, { topic: OTHER });
  samples.set('waybill_messages_scheduled_total', tally.scheduled);
  samples.set('waybill_messages_parked_total', tally.parked);
  samples.set('waybill_messages_duplicate_total', tally.duplicates);
  samples.set('waybill_leases_expired_total', tally.leasesExpired);
  samples.set('waybill_rebalance_given_back_total', tally.gaveWay);
  for (const [reason, count] of tally.refused) samples.set('waybill_messages_refused_total', count, { reason });
  const limits = new Map(tally.limits);
  const add = (key: string, count: number) => limits.set(key, (limits.get(key) ?? 0) + count);
  add('MaxStreams', streams.refused);
  add('MaxWaitingCalls', bus.waiting.refused);
  add('MaxChannels', bus.channels.refused);
  for (const [limit, count] of limits) samples.set('waybill_limit_refused_total', count, { limit });
  const rest = { ...tally.otherChannels };
  for (const [id, counts] of tally.channels) {
    const channel = bus.channels.known(id);
    if (channel === undefined) addTo(rest, counts);
    else addChannel(samples, counts, labelsOf(channel));
  }
  addChannel(samples, rest, { topic: OTHER, channel: OTHER });
}

function addChannel(samples: Samples, counts: ChannelTally, labels: ReturnType<typeof labelsOf>): void {
  samples.set('waybill_messages_delivered_total', counts.delivered, labels);
  samples.set('waybill_messages_redelivered_total', counts.redelivered, labels);
  samples.set('waybill_messages_acked_total', counts.acked, labels);
  samples.set('waybill_messages_retried_total', counts.retried, labels);
  samples.set('waybill_messages_dead_total', counts.dead, labels);
  samples.set('waybill_messages_expired_total', counts.expired, labels);
}

function addTo(sum: ChannelTally, counts: ChannelTally): void {
  sum.delivered += counts.delivered;
  sum.redelivered += counts.redelivered;
  sum.acked += counts.acked;
  sum.retried += counts.retried;
  sum.dead += counts.dead;
  sum.expired += counts.expired;
}

/** What goes on in this gateway, a channel each; those past the limit together. */
function addLocals(samples: Samples, { bus, most }: FigureSources): void {
  let left = most;
  const other = { inFlight: 0, buffered: 0, consumers: 0, credit: 0 };
  const tell = (of: typeof other, labels: ReturnType<typeof labelsOf>) => {
    samples.set('waybill_in_flight_messages', of.inFlight, labels);
    samples.set('waybill_buffered_messages', of.buffered, labels);
    samples.set('waybill_consumers', of.consumers, labels);
    samples.set('waybill_consumer_credit_messages', of.credit, labels);
  };
  for (const { channel, consumers, buffered } of bus.locals()) {
    const of = { inFlight: 0, buffered, consumers: consumers.length, credit: 0 };
    for (const { outstanding, credit } of consumers) {
      of.inFlight += outstanding;
      of.credit += credit;
    }
    if (left-- > 0) {
      tell(of, labelsOf(channel));
      continue;
    }
    other.inFlight += of.inFlight;
    other.buffered += of.buffered;
    other.consumers += of.consumers;
    other.credit += of.credit;
  }
  tell(other, { topic: OTHER, channel: OTHER });
}

function addState(samples: Samples, sources: FigureSources): void {
  const { bus, streams, dependencies, shards, version, engine } = sources;
  samples.set('waybill_held_bytes', bus.bytes.held);
  samples.set('waybill_pending_publish_bytes', bus.bytes.pending);
  samples.set('waybill_streams', streams.open);
  samples.set('waybill_waiting_calls', bus.waiting.open);
  samples.set('waybill_shards_held', shards().length);
  samples.set('waybill_build_info', 1, { version, engine });
  const healthy = dependencies.every((dependency) => dependency.health() === undefined);
  samples.set('waybill_ready', healthy && !bus.draining ? 1 : 0);
  samples.set('waybill_draining', bus.draining ? 1 : 0);
  for (const each of dependencies) {
    const dependency = each.name;
    samples.set('waybill_dependency_up', each.health() === undefined ? 1 : 0, { dependency });
    const connections = each.connections?.();
    if (connections === undefined) continue;
    const { connects, open, idle, waiting } = connections;
    samples.set('waybill_dependency_connects_total', connects, { dependency });
    for (const [state, count] of Object.entries({ open, idle, waiting })) {
      if (count !== undefined) samples.set('waybill_dependency_connections', count, { dependency, state });
    }
  }
}

async function addDepths(samples: Samples, { readings, most }: FigureSources): Promise<void> {
  const { ageMs, reading } = await readings.read(most, PATIENCE_MS);
  samples.set('waybill_depths_age_seconds', ageMs / 1000);
  if (reading === undefined) return;
  samples.set('waybill_scheduled_messages', reading.scheduled);
  samples.set('waybill_parked_messages', reading.parked);
  for (const { channel, ready, scheduled, dead, oldestAcceptedAt } of reading.channels) {
    const labels = labelsOf(channel);
    if (ready !== undefined) samples.set('waybill_ready_messages', ready, labels);
    if (oldestAcceptedAt > 0) {
      samples.set('waybill_oldest_ready_age_seconds', Math.max(0, Date.now() - oldestAcceptedAt) / 1000, labels);
    }
    samples.set('waybill_retry_messages', scheduled, labels);
    samples.set('waybill_dead_messages', dead, labels);
  }
  const { others } = reading;
  if (others === undefined) return;
  const labels = { topic: OTHER, channel: OTHER };
  if (others.ready !== undefined) samples.set('waybill_ready_messages', others.ready, labels);
  samples.set('waybill_retry_messages', others.scheduled, labels);
  samples.set('waybill_dead_messages', others.dead, labels);
}

function labelsOf({ topic, name }: Channel): { readonly topic: string; readonly channel: string } {
  return { topic, channel: name };
}
