import { ENTRIES, LATENCY, WAIT } from './histogram.js';

/** One figure of `/metrics`. The table below is the only place that names them: the exporter and docs/observability.md come from it. */
export interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly Label[];
  /** Of a histogram. */
  readonly buckets?: readonly number[];
  /** It tells of all gateways together, and each of them tells the same: take the `max`, not the sum. */
  readonly ofAll?: true;
}

export type Label =
  | 'topic'
  | 'channel'
  | 'reason'
  | 'limit'
  | 'dependency'
  | 'state'
  | 'job'
  | 'kind'
  | 'version'
  | 'engine';

const counter = (help: string, ...labels: Label[]): Metric => ({ type: 'counter', help, labels });
const gauge = (help: string, ...labels: Label[]): Metric => ({ type: 'gauge', help, labels });
const ofAll = (help: string, ...labels: Label[]): Metric => ({ type: 'gauge', help, labels, ofAll: true });
const histogram = (buckets: readonly number[], help: string): Metric => ({
  type: 'histogram',
  help,
  labels: [],
  buckets,
});

export const METRICS = {
  waybill_messages_accepted_total: counter(
    'Messages accepted, whether they went out, were scheduled or parked.',
    'topic',
  ),
  waybill_messages_scheduled_total: counter('Of the accepted: those that wait for a time.'),
  waybill_messages_parked_total: counter('Of the accepted: those that no channel wanted yet.'),
  waybill_messages_duplicate_total: counter('Publishes of an id that had been accepted before.'),
  waybill_messages_refused_total: counter(
    'Messages and calls that the bus refused, by the reason of the error.',
    'reason',
  ),
  waybill_limit_refused_total: counter('Of the refused: those that a limit refused, by its config key.', 'limit'),
  waybill_messages_delivered_total: counter('Messages handed out to consumers.', 'topic', 'channel'),
  waybill_messages_redelivered_total: counter('Of the delivered: not for the first time.', 'topic', 'channel'),
  waybill_messages_acked_total: counter('Messages acked, as the ledger took it.', 'topic', 'channel'),
  waybill_messages_retried_total: counter(
    'Deliveries that are tried again: nacked, their lease ran out, or their consumer went away.',
    'topic',
    'channel',
  ),
  waybill_messages_dead_total: counter('Messages that became dead letters.', 'topic', 'channel'),
  waybill_messages_expired_total: counter(
    'Messages whose time to live was over before they were done.',
    'topic',
    'channel',
  ),
  waybill_leases_expired_total: counter('Leases that ran out before their message was settled.'),

  waybill_publish_seconds: histogram(LATENCY, 'From a publish call to its answer, each message of it.'),
  waybill_broker_confirm_seconds: histogram(LATENCY, 'From a frame of messages to its confirm by the broker.'),
  waybill_delivery_wait_seconds: histogram(
    WAIT,
    'From acceptance to the hand-out, first attempts only. Delayed messages count from their acceptance too.',
  ),
  waybill_settle_seconds: histogram(LATENCY, "From a settle to the ledger's answer, each receipt of it."),
  waybill_ledger_commit_seconds: histogram(LATENCY, 'One commit of the ledger; embedded: of the data file.'),
  waybill_ledger_commit_entries: histogram(ENTRIES, 'Writes in one commit of the ledger; embedded: of the data file.'),
  waybill_due_lateness_seconds: histogram(
    LATENCY,
    'How late scheduled messages and retries were when the broker had them.',
  ),

  waybill_in_flight_messages: gauge('Messages that consumers of this gateway hold unsettled.', 'topic', 'channel'),
  waybill_buffered_messages: gauge('Messages that wait in this gateway for a consumer with room.', 'topic', 'channel'),
  waybill_held_bytes: gauge('Bytes of messages that this gateway holds for its consumers.'),
  waybill_pending_publish_bytes: gauge('Bytes of messages that wait for the confirm of the broker.'),
  waybill_consumers: gauge('Streams and waiting pulls.', 'topic', 'channel'),
  waybill_consumer_credit_messages: gauge('What consumers may hold altogether.', 'topic', 'channel'),
  waybill_streams: gauge('Streams that clients have open, to subscribe, publish and watch.'),
  waybill_waiting_calls: gauge('Calls that wait for a message or a lock.'),
  waybill_shards_held: gauge('Shards of the schedule that this gateway publishes due messages of, of 64.'),
  waybill_rebalance_given_back_total: counter(
    'Times that a channel gave back what it had buffered because consumers of another gateway were hungry.',
  ),

  waybill_dependency_up: gauge('1 while the dependency works, 0 while it is away.', 'dependency'),
  waybill_dependency_connects_total: counter(
    'Times that a connection came up: at the start, and after each loss.',
    'dependency',
  ),
  waybill_dependency_connections: gauge(
    'Connections, by state: open (all), idle, waiting (callers).',
    'dependency',
    'state',
  ),
  waybill_ready: gauge('1 while /readyz answers 200.'),
  waybill_draining: gauge('1 once the gateway was told to stop.'),
  waybill_build_info: gauge('Always 1; what runs here is in the labels.', 'version', 'engine'),

  waybill_ready_messages: ofAll(
    'Messages that wait in a channel for a consumer. An estimate where the broker counts frames.',
    'topic',
    'channel',
  ),
  waybill_oldest_ready_age_seconds: ofAll(
    'How long the first of them waits. Absent: nothing waits, or it is not known.',
    'topic',
    'channel',
  ),
  waybill_retry_messages: ofAll('Messages that wait for their next attempt.', 'topic', 'channel'),
  waybill_dead_messages: ofAll('Dead letters of a channel; over all, counted up to 20,000.', 'topic', 'channel'),
  waybill_scheduled_messages: ofAll('Delayed messages and retries; counted up to 20,000.'),
  waybill_parked_messages: ofAll('Messages that no channel wants yet; counted up to 20,000.'),
  waybill_depths_age_seconds: ofAll(
    'How old the depths above are. Past 60 s they are absent until they can be taken again.',
  ),
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;
/** The one value that stands for all topics, or channels, that have no figures of their own: no topic can have this name. */
export const OTHER = '(other)';

export const METRIC_NAMES: readonly MetricName[] = Object.keys(METRICS).filter(isMetric);

function isMetric(name: string): name is MetricName {
  return Object.hasOwn(METRICS, name);
}
