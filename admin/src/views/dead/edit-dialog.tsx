import { useQuery } from '@tanstack/react-query';
import type { DeadLetter } from '@waybill/proto/waybill/v1/admin';
import type { Message } from '@waybill/proto/waybill/v1/message';
import { useState } from 'react';
import { act } from '../../api/act.js';
import { admin } from '../../api/clients.js';
import { asText } from '../../text/body.js';
import { Button } from '../../ui/button.js';
import { Dialog } from '../../ui/dialog.js';
import { Field } from '../../ui/field.js';
import { Form } from '../../ui/form.js';
import { HeadersEditor, headersFrom, headersTo } from '../../ui/headers-editor.js';
import { Failed, Loading } from '../../ui/state.js';
import { useSaving } from '../../ui/use-saving.js';
import { changesOf } from './changes.js';

interface EditDialogProps {
  readonly letter: DeadLetter;
  readonly onClose: () => void;
}

export function EditDialog({ letter, onClose }: EditDialogProps) {
  const { topic, id, channel, channelTopic } = letter;
  const { data, error, refetch } = useQuery({
    queryKey: ['dead-letter', topic, id, channelTopic, channel],
    queryFn: ({ signal }) => admin.getMessage({ topic, id, channel, channelTopic }, { signal }),
    // What is being edited does not change under the operator's hands.
    gcTime: 0,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  return (
    <Dialog title={`Edit ${id}`} open onClose={onClose} wide question>
      <p className="muted">
        Changes the copy on {channelTopic}/{channel}, and no other. It stays dead until it is redriven. The audit log
        tells what was changed, and no values.
      </p>
      {data?.message === undefined ? (
        <>
          {error === null ? <Loading what="the message" /> : <Failed error={error} onRetry={() => void refetch()} />}
          <div className="end">
            <Button onPress={onClose}>Close</Button>
          </div>
        </>
      ) : (
        <EditForm letter={letter} message={data.message} onClose={onClose} />
      )}
    </Dialog>
  );
}

function EditForm({ letter, message, onClose }: EditDialogProps & { readonly message: Message }) {
  const { topic, id, channel, channelTopic } = letter;
  const before = asText(message.body);
  const [body, setBody] = useState(before ?? '');
  const [headers, setHeaders] = useState(headersFrom(message.headers));
  const { busy, error, save } = useSaving();
  const changes = changesOf(message, before === undefined ? undefined : body, headersTo(headers));
  const change = async () => {
    await act(
      admin.editDead({ topic, id, channel, channelTopic, ...changes }),
      () => `${id} changed. It is still dead.`,
    );
    onClose();
  };
  return (
    <Form
      action="Save the change"
      ready={changes !== undefined}
      busy={busy}
      error={error}
      onSubmit={() => save(change)}
      leave={{ text: 'Keep as it was', onLeave: onClose }}
    >
      {before === undefined ? (
        <div className="notice">The body is not text, so it cannot be edited here. Its headers can.</div>
      ) : (
        <Field label="Body" value={body} onChange={setBody} rows={10} mono name="body" />
      )}
      <HeadersEditor headers={headers} onChange={setHeaders} />
    </Form>
  );
}
