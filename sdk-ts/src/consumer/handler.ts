import type { Message } from '../message.js';

/** What is done with each message. */
export type Handler = (message: Message) => unknown;

/** What is done with the messages that were gathered. Settling one by hand leaves the others: they are acked when it returns, and nacked when it throws. */
export type BatchHandler = (messages: readonly Message[]) => unknown;
