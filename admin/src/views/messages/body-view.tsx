import { useState } from 'react';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { asHex, asJson, asText, type BodyForm, bestForm } from '../../text/body.js';
import { bytes } from '../../text/number.js';
import { Card } from '../../ui/page.js';

/** Hexadecimal triples a body: more than this is not drawn. */
const HEX_BYTES = 64 << 10;

const FORMS: readonly { readonly id: BodyForm; readonly text: string }[] = [
  { id: 'json', text: 'JSON' },
  { id: 'text', text: 'Text' },
  { id: 'hex', text: 'Hex' },
];

interface BodyViewProps {
  readonly body: Uint8Array;
  /** Of the whole body; the rest was not read. */
  readonly bodyBytes: bigint;
}

export function BodyView({ body, bodyBytes }: BodyViewProps) {
  const [chosen, setChosen] = useState<BodyForm>();
  const text = asText(body);
  const json = text === undefined ? undefined : asJson(text);
  const form = chosen ?? bestForm(body);
  const shown = { json, text, hex: asHex(body.subarray(0, HEX_BYTES)) };
  const whole = Math.max(Number(bodyBytes), body.length);
  const drawn = form === 'hex' ? Math.min(HEX_BYTES, body.length) : body.length;
  return (
    <Tabs selectedKey={form} onSelectionChange={(key) => setChosen(FORMS.find(({ id }) => id === key)?.id)}>
      <Card
        title={`Body, ${bytes(whole)}`}
        actions={
          <TabList className="tabs" aria-label="Form of the body">
            {FORMS.map(({ id, text: name }) => (
              <Tab key={id} id={id} isDisabled={shown[id] === undefined}>
                {name}
              </Tab>
            ))}
          </TabList>
        }
      >
        {FORMS.map(({ id }) => (
          <TabPanel key={id} id={id}>
            <pre className="body-view" data-form={id}>
              {body.length === 0 ? 'Empty.' : shown[id]}
            </pre>
          </TabPanel>
        ))}
        {drawn < whole ? <p className="table-foot">Only the first {bytes(drawn)} are shown.</p> : null}
      </Card>
    </Tabs>
  );
}
