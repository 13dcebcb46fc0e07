import { BusError } from './errors.js';

/**
 * The few parts of the protobuf wire format that the hot path reads and writes by hand. Parsing only what the gateway decides
 * on, and copying the rest, saves the two passes of decoding and encoding that a generic library makes for every message.
 */
export class WireReader {
  constructor(
    readonly bytes: Buffer,
    public position: number,
    readonly end: number,
  ) {}

  get done(): boolean {
    return this.position >= this.end;
  }

  /** A varint as a signed 64-bit number; past ±2^53 it loses its last digits, which no valid field but a sequence reaches. */
  varint(): number {
    let value = 0;
    let factor = 1;
    // Seven bytes are 49 bits: the numbers of a double without loss.
    for (let count = 0; count < 7; count++) {
      if (this.position >= this.end) throw malformed('a number is cut off');
      const byte = this.bytes[this.position++] as number;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    this.position -= 7;
    return Number(this.int64());
  }

  /** A varint as a signed 64-bit number, exact. */
  int64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.position >= this.end) break;
      const byte = this.bytes[this.position++] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw malformed('a number is cut off');
  }

  /** The start of a length-delimited field; the reader moves to its end. */
  field(): number {
    const length = this.varint();
    const start = this.position;
    if (length < 0 || length > this.end - start) throw malformed('a field is cut off');
    this.position = start + length;
    return start;
  }

  /** Text whose characters are all one byte, as names and ids are; whoever calls it checks the characters. */
  latin1(): string {
    const start = this.field();
    return this.bytes.toString('latin1', start, this.position);
  }

  skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.varint();
        return;
      case 1:
        this.position += 8;
        break;
      case 2:
        this.field();
        return;
      case 5:
        this.position += 4;
        break;
      default:
        throw malformed(`wire type ${tag & 7} is not known`);
    }
    if (this.position > this.end) throw malformed('a field is cut off');
  }
}

export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Writes a whole number from 0 to 2^53; answers the position after it. */
export function writeVarint(target: Uint8Array, position: number, value: number): number {
  let rest = value;
  let at = position;
  while (rest >= 128) {
    target[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  target[at++] = rest;
  return at;
}

export function malformed(what: string): BusError {
  return new BusError('MALFORMED', `the request is not valid protobuf: ${what}`);
}
