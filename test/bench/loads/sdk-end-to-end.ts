/** Publishes, consumes and acks each message by the SDK, and waits until every ack is durable. */
import { endToEnd } from './end-to-end.js';
import { SdkBus } from './sdk-bus.js';
import { serveRounds } from './serve-rounds.js';

await serveRounds(async (settings) => endToEnd(await SdkBus.open(settings), settings));
