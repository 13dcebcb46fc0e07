import { getRouteApi } from '@tanstack/react-router';
import type { HeldLock } from '@waybill/proto/waybill/v1/admin';
import { useState } from 'react';
import { act } from '../../api/act.js';
import { admin } from '../../api/clients.js';
import { usePages } from '../../api/pages.js';
import { Button } from '../../ui/button.js';
import { Confirm } from '../../ui/confirm.js';
import { Filters } from '../../ui/filters.js';
import { Listing } from '../../ui/listing.js';
import { Page } from '../../ui/page.js';
import { Empty } from '../../ui/state.js';
import { Table } from '../../ui/table.js';
import { Ago } from '../../ui/time.js';

const route = getRouteApi('/locks');

export function Locks() {
  const { prefix = '' } = route.useSearch();
  const navigate = route.useNavigate();
  const [releasing, setReleasing] = useState<HeldLock>();
  const pages = usePages(['locks', prefix], async (pageToken, signal) => {
    const page = await admin.listLocks({ prefix, pageToken }, { signal });
    return { rows: page.locks, next: page.nextPageToken };
  });
  return (
    <Page title="Locks" about="Distributed locks that clients hold at this moment.">
      <div className="card">
        <Filters
          label="Locks"
          fields={[{ name: 'prefix', label: 'Names that begin with' }]}
          values={{ prefix }}
          onApply={(search) => void navigate({ search })}
        />
        <Listing
          what="locks"
          pages={pages}
          empty={
            <Empty title="Nobody holds a lock">
              <p>
                Clients take one with <code>Locks.Acquire</code>, for as long as its time lasts.
              </p>
            </Empty>
          }
        >
          {(rows) => (
            <Table
              label="Locks"
              rows={rows}
              keyOf={({ name, tokenHash }) => `${name} ${tokenHash}`}
              columns={[
                { title: 'Lock', name: true, cell: ({ name }) => <span className="mono">{name}</span> },
                {
                  title: 'Holder',
                  cell: ({ holder, tokenHash }) => (
                    <>
                      <span className="mono">{holder || 'Not known'}</span>
                      <div className="sub mono">{tokenHash}</div>
                    </>
                  ),
                },
                { title: 'Since', wide: true, cell: ({ sinceTimeMs }) => <Ago ms={sinceTimeMs} /> },
                { title: 'Runs out', cell: ({ expireTimeMs }) => <Ago ms={expireTimeMs} /> },
                { title: 'Fence', numeric: true, wide: true, cell: ({ fence }) => String(fence) },
                { title: 'Gateway', wide: true, cell: ({ node }) => <span className="mono">{node || '–'}</span> },
                {
                  title: 'Actions',
                  silent: true,
                  numeric: true,
                  cell: (lock) => (
                    <Button
                      kind="danger"
                      size="small"
                      label={`Release ${lock.name}`}
                      onPress={() => setReleasing(lock)}
                    >
                      Release…
                    </Button>
                  ),
                },
              ]}
            />
          )}
        </Listing>
      </div>
      {releasing ? (
        <Confirm
          title={`Release ${releasing.name}?`}
          typed={releasing.name}
          action="Release the lock"
          effect={
            <>
              Ends the lock <strong>{releasing.name}</strong>
              {releasing.holder === '' ? '' : `, which ${releasing.holder} holds`}. The next in line may have it at
              once, while the holder learns of it when it renews and may go on until then: what it guards should check
              the fencing token.
            </>
          }
          onClose={() => setReleasing(undefined)}
          onConfirm={() => act(admin.releaseLock({ name: releasing.name }), () => `${releasing.name} released.`)}
        />
      ) : null}
    </Page>
  );
}
