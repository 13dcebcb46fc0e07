import type { MessageInitShape } from '@bufbuild/protobuf';
import type { EditDeadRequestSchema } from '@waybill/proto/waybill/v1/admin';
import type { Message } from '@waybill/proto/waybill/v1/message';
import { asText } from '../../text/body.js';

type Changes = Pick<MessageInitShape<typeof EditDeadRequestSchema>, 'body' | 'setHeaders' | 'removeHeaders'>;

/** What an edit asks for; undefined while it changes nothing. A body that is no text stays as it is. */
export function changesOf(
  message: Pick<Message, 'body' | 'headers'>,
  body: string | undefined,
  headers: Readonly<Record<string, string>>,
): Changes | undefined {
  const setHeaders = Object.fromEntries(
    Object.entries(headers).filter(([name, value]) => message.headers[name] !== value),
  );
  const removeHeaders = Object.keys(message.headers).filter((name) => !(name in headers));
  const newBody = body !== undefined && body !== asText(message.body);
  if (!newBody && removeHeaders.length === 0 && Object.keys(setHeaders).length === 0) return undefined;
  return { setHeaders, removeHeaders, ...(newBody ? { body: new TextEncoder().encode(body) } : {}) };
}
