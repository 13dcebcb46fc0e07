/**
 * The schema's steps, in order. A step that was released is never changed: the next change is a new step.
 *
 * Names are shared with the MySQL ledger, so that what is learnt of one is known of the other.
 * `deliveries` and `queue` are without rowid: their key is what they are found by, and it saves one tree.
 * `schedule` has rowids, since its rows hold bodies, which a tree without rowid keeps in its inner pages too.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE bindings (
    channel_id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    name TEXT NOT NULL
  );
  -- A seq is never used twice, which AUTOINCREMENT promises: a consumer asks for what is past the last that it has seen.
  CREATE TABLE frames (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    body BLOB NOT NULL,
    verify INTEGER NOT NULL
  );
  -- One row for each channel that has a frame still to settle. The frame goes with its last row, which queue_by_frame
  -- tells; a count in the frame's own row would rewrite the body on every change.
  CREATE TABLE queue (
    channel_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (channel_id, seq)
  ) WITHOUT ROWID;
  CREATE INDEX queue_by_frame ON queue (seq);

  CREATE TABLE channels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic TEXT NOT NULL,
    name TEXT NOT NULL,
    retry TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (topic, name)
  );
  CREATE TABLE topics (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  );
  -- channel_id 0 is the topic itself: what was cancelled or expired before any channel had it.
  CREATE TABLE deliveries (
    channel_id INTEGER NOT NULL,
    topic_id INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    nonce INTEGER NOT NULL,
    consumer TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    delivered_at INTEGER NOT NULL,
    settled_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (channel_id, topic_id, message_id)
  ) WITHOUT ROWID;
  CREATE INDEX deliveries_final ON deliveries (settled_at) WHERE state IN ('acked', 'expired', 'cancelled');
  -- How earlier attempts ended; an ack ends the last one, and stands in deliveries alone.
  CREATE TABLE attempts (
    channel_id INTEGER NOT NULL,
    topic_id INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    consumer TEXT NOT NULL,
    delivered_at INTEGER NOT NULL,
    settled_at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (channel_id, topic_id, message_id, attempt)
  ) WITHOUT ROWID;
  -- state is delayed, retry, leased, parked, dead or claimed; claimed_from is the state that a claimed row had.
  -- due_at is when it is due; of a leased row, when the lease ends; of a parked or dead row, 0.
  CREATE TABLE schedule (
    channel_id INTEGER NOT NULL,
    topic_id INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    state TEXT NOT NULL,
    claimed_from TEXT NOT NULL DEFAULT '',
    shard INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    nonce INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    claim INTEGER NOT NULL DEFAULT 0,
    claim_until INTEGER NOT NULL DEFAULT 0,
    wire BLOB NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (channel_id, topic_id, message_id)
  );
  CREATE INDEX schedule_due ON schedule (due_at) WHERE state IN ('delayed', 'retry');
  CREATE INDEX schedule_claimed ON schedule (claim_until) WHERE state = 'claimed';
  CREATE INDEX schedule_leased ON schedule (due_at) WHERE state = 'leased';
  CREATE INDEX schedule_parked ON schedule (topic_id, accepted_at) WHERE state = 'parked';
  -- name is claim: the number of the last claim.
  CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) WITHOUT ROWID;
  INSERT INTO counters VALUES ('claim', 0);

  -- The ids stem + first to stem + last, last two hex digits counted up, begun or accepted together.
  CREATE TABLE dedupe (
    topic_id INTEGER NOT NULL,
    stem TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (topic_id, stem, first, last)
  ) WITHOUT ROWID;
  CREATE INDEX dedupe_by_age ON dedupe (at);
  `,
  `
  -- Other names of deliveries that were leased. ref is the alias of the delivery before, of the same message and channel.
  CREATE TABLE aliases (
    alias TEXT PRIMARY KEY,
    channel_id INTEGER NOT NULL,
    topic_id INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    nonce INTEGER NOT NULL,
    ref TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX aliases_by_message ON aliases (channel_id, topic_id, message_id);
  `,
  `
  -- What an operator said of a channel. One that is deleted keeps its number, for when it is made again.
  CREATE TABLE channel_states (
    channel_id INTEGER PRIMARY KEY,
    paused INTEGER NOT NULL,
    deleted INTEGER NOT NULL
  );
  CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    count INTEGER NOT NULL,
    node TEXT NOT NULL
  );
  CREATE INDEX audit_at ON audit (at);
  -- For an operator's lists. Acked records, nearly all of them, have deliveries_final, and leases schedule_leased: with leases
  -- in here, a pull and its ack took a fifth more time.
  CREATE INDEX deliveries_by_state ON deliveries (state, settled_at) WHERE state NOT IN ('acked', 'leased');
  -- Messages of the frame, so that depths need not read bodies.
  ALTER TABLE queue ADD COLUMN messages INTEGER NOT NULL DEFAULT 1;
  `,
  `
  -- What messages are found by: their key (an empty name) and the headers of config SearchHeaders. A row each, for every record
  -- and for what waits for its topic; a message without any costs nothing.
  CREATE TABLE terms (
    channel_id INTEGER NOT NULL,
    topic_id INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    PRIMARY KEY (channel_id, topic_id, message_id, name)
  ) WITHOUT ROWID;
  CREATE INDEX terms_by_value ON terms (name, value, accepted_at, channel_id, topic_id, message_id);
  -- Numbers of gateways, anew with every start: a record names the one that handed it out. A column with a constant is added
  -- without touching a row.
  CREATE TABLE nodes (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  );
  ALTER TABLE deliveries ADD COLUMN node_id INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE attempts ADD COLUMN node_id INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- Messages that are published again and again; wire is the message without an id. next_at is the tick that is due next, null
  -- while the entry is paused or has none. A number is never used twice, as ids of messages are made of it.
  CREATE TABLE cron (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    topic TEXT NOT NULL,
    expression TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    missed TEXT NOT NULL,
    paused INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    next_at INTEGER,
    last_at INTEGER NOT NULL,
    last_message_id TEXT NOT NULL,
    wire BLOB NOT NULL
  );
  CREATE INDEX cron_next ON cron (next_at) WHERE next_at IS NOT NULL;
  CREATE INDEX cron_topic ON cron (topic, name);
  `,
];
