import type { Message } from '../message.js';

/** A handler that threw, or whose promise rejected, while a test delivered. */
export interface HandlerFailure {
  /** What the handler's channel subscribes to: a topic or a pattern. */
  readonly subscribed: string;
  readonly channel: string;
  /** The message that it was given; `attempt` says which try it was. */
  readonly message: Message;
  readonly error: unknown;
}

/** Handlers failed, and the test did not say that they may. */
export class HandlersFailedError extends Error {
  override readonly name: string = 'HandlersFailedError';

  constructor(readonly failures: readonly HandlerFailure[]) {
    const { length } = failures;
    const list = failures.map((failure) => `\n  ${describe(failure)}`).join('');
    super(
      `${length} ${length === 1 ? 'handler' : 'handlers'} failed (deliver({ allowFailures: true }) lets them):${list}`,
      { cause: failures[0]?.error },
    );
  }
}

/** Handlers were still running when the time for it was up. */
export class DeliveryHangsError extends Error {
  override readonly name: string = 'DeliveryHangsError';

  constructor(timeoutMs: number, running: readonly { channel: string; message: Message }[]) {
    const list = running.map(({ channel, message }) => `\n  ${where(channel, message)}: ${excerpt(message)}`).join('');
    const what = running.length === 0 ? 'there was always more to deliver' : `handlers still ran:${list}`;
    super(
      `deliver() was not through after ${timeoutMs} ms: ${what}\n` +
        'A handler that waits for time to pass needs advance(); handlers that publish to each other never end; deliver({ timeout }) waits longer.',
    );
  }
}

function describe({ channel, message, error }: HandlerFailure): string {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `${where(channel, message)}: ${what}\n    it was given ${excerpt(message)}`;
}

function where(channel: string, { topic, attempt }: Message): string {
  return `channel "${channel}" of topic "${topic}", attempt ${attempt}`;
}

function excerpt(message: Message): string {
  const text = message.text();
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`;
}
