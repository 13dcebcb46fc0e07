/** A relay that kills itself at a chosen step: `node relay-process.mjs <database URL> <gateway> <step>`. */
import { connect } from '@waybill/sdk';
import { createRelay } from '@waybill/sdk/outbox';
import { createPool } from 'mysql2/promise';

const [databaseUrl, url, step] = process.argv.slice(2);
const pool = createPool(databaseUrl);
const bus = await connect({ url });

function reached(name) {
  if (name === step) process.kill(process.pid, 'SIGKILL');
}

/** Which step is behind a statement, by how docs/outbox.md has it. */
function stepAfter(sql) {
  if (sql.startsWith('UPDATE') && sql.includes('owner = ?, until_ms')) return 'claimed';
  if (sql.includes('message_key')) return 'read';
  if (sql.startsWith('DELETE')) return 'removed';
  if (sql.startsWith('UPDATE') && sql.includes("owner = ''")) return 'given back';
  return '';
}

async function run(method, sql, values) {
  const result = await pool[method](sql, values);
  reached(stepAfter(sql));
  return result;
}

const database = {
  query: (sql, values) => run('query', sql, values),
  execute: (sql, values) => run('execute', sql, values),
};

let confirmed = 0;
const dying = {
  async publish(topic, body, options) {
    const publishing = bus.publish(topic, body, options);
    // After the turn of the event loop in which the batch is written.
    if (step === 'sent') setImmediate(() => setImmediate(() => reached('sent')));
    const published = await publishing;
    if (++confirmed === 7) reached('confirmed');
    return published;
  },
};

const relay = createRelay({ bus: dying, database, lease: '1s', lanes: 1, tick: '50ms' });
await relay.start();
console.log('started');
