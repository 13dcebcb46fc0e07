import { describe, expect, test } from 'vitest';
import { amqp, basicAck, ledgerCommit, mysql, type Unit } from './wire.js';

function frame(classId: number, methodId: number): Buffer {
  const bytes = Buffer.alloc(7 + 4 + 1);
  bytes.writeUInt8(1, 0);
  bytes.writeUInt32BE(4, 3);
  bytes.writeUInt16BE(classId, 7);
  bytes.writeUInt16BE(methodId, 9);
  return bytes;
}

function packet(...content: readonly (number | string)[]): Buffer {
  const body = Buffer.concat(content.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part))));
  const head = Buffer.alloc(4);
  head.writeUIntLE(body.length, 0, 3);
  return Buffer.concat([head, body]);
}

const query = (sql: string): Unit => ({ from: 'client', bytes: packet(3, sql) });
const OK: Unit = { from: 'server', bytes: packet(0, 0, 0) };

describe('AMQP on the wire', () => {
  test('is parted into its header and frames', () => {
    expect(amqp.length(Buffer.from('AMQP\0\0\x09\x01'))).toBe(8);
    expect(amqp.length(frame(60, 80))).toBe(12);
    expect(amqp.length(frame(60, 80).subarray(0, 6))).toBeUndefined();
  });

  test('an ack is told from other methods, and by its side', () => {
    const trap = basicAck('server')();
    expect(trap({ from: 'server', bytes: frame(60, 80) })).toBe(true);
    expect(trap({ from: 'client', bytes: frame(60, 80) })).toBe(false);
    expect(trap({ from: 'server', bytes: frame(60, 60) })).toBe(false);
  });
});

describe('MySQL on the wire', () => {
  test('is parted into packets', () => {
    expect(mysql.length(packet(3, 'SELECT 1'))).toBe(13);
    expect(mysql.length(Buffer.of(1, 0))).toBeUndefined();
  });

  test('the answer to a commit of deliveries is the one', () => {
    const trap = ledgerCommit();
    const units = [query('START TRANSACTION'), OK, query('INSERT INTO deliveries ...'), OK, query('COMMIT'), OK];
    expect(units.map(trap)).toEqual([false, false, false, false, false, true]);
  });

  test('so is the answer to a statement of deliveries that stands alone', () => {
    const trap = ledgerCommit();
    expect([query('INSERT INTO deliveries ...'), OK].map(trap)).toEqual([false, true]);
  });

  test('no other commit is', () => {
    const trap = ledgerCommit();
    const units = [query('START TRANSACTION'), OK, query('DELETE FROM schedule ...'), OK, query('COMMIT'), OK];
    expect(units.map(trap)).not.toContain(true);
    expect([query('INSERT INTO topics ...'), OK].map(trap)).not.toContain(true);
  });
});
