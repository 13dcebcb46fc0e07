/** How two protocols lie on the wire, as far as a tap must know it to strike at one step of a gateway's work. */

/** One whole unit of a protocol, as it went from one side to the other. */
export interface Unit {
  readonly from: 'client' | 'server';
  readonly bytes: Buffer;
}

export interface Protocol {
  /** The length of the unit at the start; undefined while too little of it is there to tell. */
  length(bytes: Buffer): number | undefined;
}

/** Says of each unit of one connection, in order, whether it is the one. */
export type Trap = (unit: Unit) => boolean;

const AMQP_HEADER = 8;
const METHOD_FRAME = 1;
const BASIC = 60;
const BASIC_ACK = 80;

export const amqp: Protocol = {
  length(bytes) {
    if (bytes[0] === 0x41) return AMQP_HEADER;
    // Type, channel, size; the content; one closing byte.
    return bytes.length < 7 ? undefined : 7 + bytes.readUInt32BE(3) + 1;
  },
};

export const mysql: Protocol = {
  length(bytes) {
    return bytes.length < 4 ? undefined : 4 + bytes.readUIntLE(0, 3);
  },
};

/** Cuts what arrives into whole units; what is left of the last one waits for the rest of it. */
export function unitsOf(protocol: Protocol): (chunk: Buffer) => Buffer[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const units: Buffer[] = [];
    let at = 0;
    while (at < rest.length) {
      const left = rest.subarray(at);
      const length = protocol.length(left);
      if (length === undefined || length > left.length) break;
      at += length;
      units.push(left.subarray(0, length));
    }
    rest = rest.subarray(at);
    return units;
  };
}

/** The broker confirms a publish, or the gateway acks a delivery. */
export function basicAck(side: Unit['from']): () => Trap {
  return () =>
    ({ from, bytes }) =>
      from === side &&
      bytes[0] === METHOD_FRAME &&
      bytes.readUInt16BE(7) === BASIC &&
      bytes.readUInt16BE(9) === BASIC_ACK;
}

const COM_QUERY = 3;
const OK = 0;

/** MySQL answers OK to the commit that holds what became of deliveries: of a transaction, or of one statement. */
export function ledgerCommit(): Trap {
  let inTransaction = false;
  let wrote = false;
  let committing = false;
  return ({ from, bytes }) => {
    if (from === 'server') return committing && bytes[4] === OK;
    const sql = bytes[4] === COM_QUERY ? bytes.toString('latin1', 5, 60) : '';
    if (sql.startsWith('START TRANSACTION')) {
      inTransaction = true;
      wrote = false;
    } else if (sql.startsWith('INSERT INTO deliveries')) {
      wrote = true;
    }
    const commits = sql.startsWith('COMMIT');
    committing = wrote && (commits || !inTransaction);
    if (commits || sql.startsWith('ROLLBACK')) inTransaction = false;
    if (!inTransaction) wrote = false;
    return false;
  };
}
