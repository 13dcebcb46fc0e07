import type { MessageInitShape } from '@bufbuild/protobuf';
import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import * as wire from '@waybill/proto/waybill/v1/admin';
import type { Admin } from '../../bus/admin/admin.js';
import { pageByPlace, pageOf } from '../../bus/admin/named-page.js';
import { formatPageToken } from '../../bus/admin/page-token.js';
import type { LockDesk } from '../../bus/lock-desk.js';
import { checkLockName, MAX_LOCK_NAME_LENGTH } from '../../model/lock.js';
import type { HeldLock } from '../../ports/lock-register.js';
import type { ConnectionSheet } from '../../ports/node-board.js';
import type { AdminCalls } from './admin-calls.js';
import * as ask from './admin-request.js';

/** The methods of `waybill.v1.Admin` for what clients have at this moment: locks and connections. */
export function liveMethods(
  admin: Admin,
  locks: LockDesk,
  { answer, note, caller }: AdminCalls,
): UntypedServiceImplementation {
  return {
    listLocks: answer(wire.ListLocksResponseSchema, async (request: wire.ListLocksRequest, call) => {
      const { prefix } = request;
      ask.checkPrefix(prefix, MAX_LOCK_NAME_LENGTH);
      const page = ask.toPageAsk(request, [prefix]);
      const who = caller(call);
      const all = (await locks.list()).filter(({ name }) => name.startsWith(prefix) && who.seesLock(name));
      const { rows, next } = pageOf(all, page, ({ name }) => name);
      return { locks: rows.map(fromLock), nextPageToken: formatPageToken(next, [prefix]) };
    }),
    releaseLock: answer(wire.ReleaseLockResponseSchema, async ({ name }: wire.ReleaseLockRequest, call) => {
      checkLockName(name, 'name');
      await locks.breakOpen(name);
      await note(call, 'ReleaseLock', name, 1);
      return {};
    }),
    listConnections: answer(wire.ListConnectionsResponseSchema, async (request: wire.ListConnectionsRequest) => {
      const page = ask.toPageAsk(request, [request.node]);
      const nodes = (await admin.nodes.list()).filter(({ name }) => request.node === '' || name === request.node);
      const all = nodes.flatMap(({ name, connections = [] }) =>
        connections.toSorted(bySince).map((sheet) => fromConnection(name, sheet)),
      );
      const { rows, next } = pageByPlace(all, page);
      return { connections: [...rows], nextPageToken: formatPageToken(next, [request.node]) };
    }),
  };
}

function fromLock(lock: HeldLock): MessageInitShape<typeof wire.HeldLockSchema> {
  const { name, holder, since, until, tokenHash, fence, node } = lock;
  return {
    name,
    holder,
    sinceTimeMs: BigInt(since),
    expireTimeMs: BigInt(Math.round(until)),
    tokenHash,
    fence: BigInt(fence),
    node,
  };
}

function fromConnection(node: string, sheet: ConnectionSheet): MessageInitShape<typeof wire.ConnectionSchema> {
  const { peer, since, lastCallAt, openCalls, calls, consumers, inFlight } = sheet;
  return {
    node,
    peer,
    sinceTimeMs: BigInt(since),
    lastCallTimeMs: BigInt(lastCallAt),
    openCalls,
    calls: BigInt(calls),
    consumers,
    inFlight,
  };
}

function bySince(a: ConnectionSheet, b: ConnectionSheet): number {
  return a.since - b.since || (a.peer < b.peer ? -1 : 1);
}
