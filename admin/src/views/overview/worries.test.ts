import { create } from '@bufbuild/protobuf';
import { type Channel, ChannelSchema } from '@waybill/proto/waybill/v1/admin';
import { expect, test } from 'vitest';
import { worriesOf } from './worries.js';

const channel = (init: Partial<Pick<Channel, 'paused' | 'consumers'>>, ready = 0n, dead = 0n) =>
  create(ChannelSchema, { ...init, depth: { ready, dead } });

test.each([
  ['nothing waits and nobody consumes', channel({}), []],
  ['messages wait and somebody consumes', channel({ consumers: 2 }, 5n), []],
  ['messages wait and nobody consumes', channel({}, 1n), ['1 message and no consumer']],
  ['it is paused, so nobody can consume', channel({ paused: true }, 9n), ['Paused']],
  ['it holds dead letters', channel({ consumers: 1 }, 0n, 3n), ['3 dead letters']],
])('a channel where %s', (_, given, texts) => {
  expect(worriesOf(given).map(({ text }) => text)).toEqual(texts);
});
