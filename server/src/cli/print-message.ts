import type { Message } from '@waybill/sdk';

/** A message as `--json` prints it. */
export function messageJson(message: Message): string {
  const { id, topic, key, headers, attempt, publishedAt, receipt } = message;
  const text = message.text();
  // Bytes that are no text would be lost in JSON: they go as base64.
  const body = Buffer.from(text).equals(message.body)
    ? { body: text }
    : { bodyBase64: Buffer.from(message.body).toString('base64') };
  return JSON.stringify({ id, topic, key, headers, attempt, publishedAt, receipt, ...body });
}
