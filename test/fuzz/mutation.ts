import type { Random } from './random.js';

/** Numbers at which readers go wrong, as varints. */
const VARINTS = [
  [0x00],
  [0x7f],
  [0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
].map((bytes) => Buffer.from(bytes));

/** Field numbers that the contract has, with any wire type. */
const MAX_TAG = 16 * 8;

/** The bytes of a good message, with a few things wrong. */
export function mutate(random: Random, bytes: Uint8Array): Buffer {
  let mutated: Buffer = Buffer.from(bytes);
  const changes = 1 + random.int(4);
  for (let i = 0; i < changes; i++) mutated = change(random, mutated);
  return mutated;
}

function change(random: Random, bytes: Buffer): Buffer {
  const at = random.int(bytes.length + 1);
  const to = Math.min(bytes.length, at + 1 + random.int(8));
  const splice = (replacement: Buffer, end = at) => {
    return Buffer.concat([bytes.subarray(0, at), replacement, bytes.subarray(end)]);
  };
  switch (random.int(9)) {
    case 0:
      return splice(random.bytes(1), Math.min(bytes.length, at + 1));
    case 1:
      return splice(Buffer.alloc(0), to);
    case 2:
      return splice(bytes.subarray(at, to));
    case 3:
      return splice(random.bytes(1 + random.int(12)));
    case 4:
      return splice(random.pick(VARINTS), Math.min(bytes.length, at + 1));
    case 5:
      return bytes.subarray(0, at);
    case 6: {
      const flipped = Buffer.from(bytes);
      if (at < flipped.length) flipped.writeUInt8((flipped[at] ?? 0) ^ (1 << random.int(8)), at);
      return flipped;
    }
    case 7:
      // One more field at the end, where the reader is in step.
      return Buffer.concat([bytes, Buffer.of(random.int(MAX_TAG)), random.pick(VARINTS), random.bytes(random.int(9))]);
    default:
      return Buffer.concat([bytes, bytes.subarray(0, to)]);
  }
}
