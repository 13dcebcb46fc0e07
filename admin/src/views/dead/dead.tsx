import { getRouteApi } from '@tanstack/react-router';
import type { DeadLetter } from '@waybill/proto/waybill/v1/admin';
import { useState } from 'react';
import { admin } from '../../api/clients.js';
import { usePages } from '../../api/pages.js';
import { counted } from '../../text/number.js';
import { Button } from '../../ui/button.js';
import { Filters } from '../../ui/filters.js';
import { Listing } from '../../ui/listing.js';
import { Page } from '../../ui/page.js';
import { Empty } from '../../ui/state.js';
import { DeadTable } from './dead-table.js';
import { DeleteDeadDialog } from './delete-dialog.js';
import { EditDialog } from './edit-dialog.js';
import { queriesOf, queryFrom, queryText } from './query.js';
import { RedriveDialog } from './redrive-dialog.js';

const route = getRouteApi('/dead');

function keyOf({ topic, id, channel, channelTopic }: DeadLetter): string {
  return `${topic} ${id} ${channelTopic} ${channel}`;
}

export function Dead() {
  const filters = route.useSearch();
  const navigate = route.useNavigate();
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [asking, setAsking] = useState<'redrive' | 'delete'>();
  const [editing, setEditing] = useState<DeadLetter>();
  const query = queryFrom(filters);
  const pages = usePages(['dead', filters], async (pageToken, signal) => {
    const page = await admin.listDead({ query, pageToken, pageSize: 50 }, { signal });
    return { rows: page.dead, next: page.nextPageToken };
  });
  const chosen = (pages.rows ?? []).filter((row) => selected.has(keyOf(row)));
  const some = chosen.length > 0;
  const queries = some ? queriesOf(chosen) : [query];
  const what = some ? counted(chosen.length, 'selected dead letter') : queryText(filters);
  const close = () => setAsking(undefined);
  return (
    <Page
      title="Dead letters"
      about="Messages whose retries are used up, or that a consumer rejected. Their bodies are kept until they are redriven or deleted."
      actions={
        <>
          <Button kind="primary" onPress={() => setAsking('redrive')}>
            {some ? `Redrive ${chosen.length} selected…` : 'Redrive all that fit…'}
          </Button>
          <Button kind="danger" onPress={() => setAsking('delete')}>
            {some ? `Delete ${chosen.length} selected…` : 'Delete all that fit…'}
          </Button>
        </>
      }
    >
      <div className="card">
        <Filters
          label="Dead letters"
          fields={[
            { name: 'topic', label: 'Topic' },
            { name: 'channel', label: 'Channel' },
            { name: 'reason', label: 'Reason holds' },
            { name: 'ids', label: 'Ids, with a topic', placeholder: 'one, two' },
            { name: 'after', label: 'Died not before', kind: 'time' },
            { name: 'before', label: 'Died before', kind: 'time' },
          ]}
          values={filters}
          onApply={(search) => {
            setSelected(new Set());
            void navigate({ search });
          }}
        />
        <Listing
          what="dead letters"
          pages={pages}
          empty={
            <Empty title="No dead letters">
              <p>None fit. A message comes here when its last retry failed, or a consumer rejected it.</p>
            </Empty>
          }
        >
          {(rows) => (
            <DeadTable rows={rows} keyOf={keyOf} selected={selected} onSelect={setSelected} onEdit={setEditing} />
          )}
        </Listing>
      </div>
      {asking === 'redrive' ? <RedriveDialog queries={queries} what={what} onClose={close} /> : null}
      {asking === 'delete' ? <DeleteDeadDialog queries={queries} what={what} onClose={close} /> : null}
      {editing ? <EditDialog letter={editing} onClose={() => setEditing(undefined)} /> : null}
    </Page>
  );
}
