import { getRouteApi } from '@tanstack/react-router';
import { MessageState } from '@waybill/proto/waybill/v1/admin';
import { admin } from '../../api/clients.js';
import { usePages } from '../../api/pages.js';
import { msOf } from '../../text/time.js';
import { STATES } from '../../ui/badge.js';
import { Filters } from '../../ui/filters.js';
import { Listing } from '../../ui/listing.js';
import { Page } from '../../ui/page.js';
import { Empty } from '../../ui/state.js';
import { MessageTable } from './message-table.js';

const route = getRouteApi('/messages');

/** By the word that stands in the URL. */
const BY_WORD = new Map(
  Object.values(MessageState).flatMap((state) =>
    typeof state === 'number' && state !== MessageState.UNSPECIFIED
      ? [[STATES[state].text.toLowerCase(), state] as const]
      : [],
  ),
);

const CHOICES = [
  { id: '', text: 'Any state' },
  ...[...BY_WORD].map(([id, state]) => ({ id, text: STATES[state].text })),
];

export function Messages() {
  const filters = route.useSearch();
  const navigate = route.useNavigate();
  const state = BY_WORD.get(filters.state ?? '');
  const pages = usePages(['messages', filters], async (pageToken, signal) => {
    const { id = '', key = '', topic = '', channel = '', header = '' } = filters;
    const [headerName = '', ...headerValue] = header.split('=');
    const request = {
      id,
      key,
      topic,
      channel,
      headerName: headerName.trim(),
      headerValue: headerValue.join('=').trim(),
      states: state === undefined ? [] : [state],
      afterTimeMs: BigInt(msOf(filters.after)),
      beforeTimeMs: BigInt(msOf(filters.before)),
      pageToken,
      pageSize: 50,
    };
    const page = await admin.findMessages(request, { signal });
    return { rows: page.messages, next: page.nextPageToken };
  });
  return (
    <Page
      title="Messages"
      about="What the ledger knows: a record for each channel that a message was handed out on. What waits in a queue and was never handed out has none yet."
    >
      <div className="card">
        <Filters
          label="Messages"
          action="Search"
          fields={[
            { name: 'id', label: 'Id' },
            { name: 'key', label: 'Key' },
            { name: 'header', label: 'Header', placeholder: 'name=value' },
            { name: 'topic', label: 'Topic' },
            { name: 'channel', label: 'Channel' },
            { name: 'state', label: 'State', kind: 'choice', choices: CHOICES },
            { name: 'after', label: 'Not before', kind: 'time' },
            { name: 'before', label: 'Before', kind: 'time' },
          ]}
          values={filters}
          onApply={(search) => void navigate({ search })}
        />
        <Listing
          what="messages"
          pages={pages}
          empty={
            <Empty title="No record fits">
              <p>
                Ids and keys must match exactly. Delayed messages show here with an id, a key or a header, and all of
                them in the schedule; parked ones with one of these, too, or by their state and topic.
              </p>
            </Empty>
          }
        >
          {(rows) => <MessageTable rows={rows} />}
        </Listing>
      </div>
    </Page>
  );
}
