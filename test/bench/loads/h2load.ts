/** Unary publishes by h2load, a load generator that costs next to nothing: what is measured is the gateway. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { create, toBinary } from '@bufbuild/protobuf';
import { Bus, PublishOutcome, PublishRequestSchema, PublishResponseSchema } from '@waybill/proto/waybill/v1/bus';
import { tempFolder } from '../../support/reaper.js';
import { RpcClient } from '../../support/rpc.js';
import { ChannelQueue } from './channel-queue.js';
import { SdkBus } from './sdk-bus.js';
import { expectCount, type LoadSettings, serveRounds } from './serve-rounds.js';

const run = promisify(execFile);

/** In front of every message on a gRPC stream: a byte for compression, four for the length. */
const PREFIX_BYTES = 5;

await serveRounds(async (settings) => {
  await (await SdkBus.open(settings)).makeChannel();
  const { topic, bodyBytes, gateway, window } = settings;
  const request = create(PublishRequestSchema, { messages: [{ topic, body: Buffer.alloc(bodyBytes, 'A') }] });
  const answerBytes = await answerOf(settings, request);
  const file = join(tempFolder('bench').path, 'request');
  writeFileSync(file, prefixed(toBinary(PublishRequestSchema, request)));
  const queue = await ChannelQueue.open(settings);
  const headers = ['-H', 'te: trailers', '-H', 'content-type: application/grpc'];
  const url = `http://${gateway}/waybill.v1.Bus/Publish`;
  return async (messages) => {
    const args = ['-c', '1', '-m', `${window}`, '-n', `${messages}`, '-d', file, ...headers, url];
    const { stdout } = await run('h2load', args);
    expectCount('requests answered 200', number(/(\d+) succeeded/, stdout), messages);
    // An error has no message, only trailers, which h2load does not read.
    expectCount('bytes of answers', number(/\((\d+)\) data/, stdout), messages * answerBytes);
    await queue.empty();
    return { rate: number(/([\d.]+) req\/s/, stdout) };
  };
});

/** Makes the call once, and tells how long the answer "accepted" is. */
async function answerOf(
  { gateway }: LoadSettings,
  request: Parameters<typeof toBinary<typeof PublishRequestSchema>>[1],
) {
  const client = new RpcClient(gateway);
  const answer = await client.call(Bus.method.publish, request, 10_000);
  client.close();
  expectCount(
    'messages accepted',
    answer.results.filter(({ outcome }) => outcome === PublishOutcome.ACCEPTED).length,
    1,
  );
  return PREFIX_BYTES + toBinary(PublishResponseSchema, answer).length;
}

function prefixed(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function number(pattern: RegExp, text: string): number {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`h2load did not say ${pattern}:\n${text}`);
  return Number(found);
}
