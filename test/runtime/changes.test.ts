import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logId } from '../../src/core/ids.ts';
import type { Input } from '../../src/core/input.ts';
import { NO_MEMBERSHIP } from '../../src/core/membership/membership.ts';
import {
  ChangeInProgressError,
  ConsensusError,
  FatalError,
  IndeterminateError,
  TransferError,
} from '../../src/errors.ts';
import { Changes } from '../../src/runtime/changes.ts';
import { basicNode, watch } from '../support/fake-node.ts';
import { FakeTime, settle } from '../support/fake-time.ts';

const OPTIONS = { timeoutMs: 1000 };
const CHANGE = { type: 'remove-voters', ids: [3] } as const;

function makeKit() {
  const time = new FakeTime();
  const posted: Input[] = [];
  const hint = () => ({ nodeId: 1, leaderId: 2, leaderNode: basicNode(2) });
  const changes = new Changes({ clock: time, timers: time, post: (input) => posted.push(input), hint });
  const lastId = (): number => {
    const input = posted.at(-1);
    return input !== undefined && 'id' in input ? input.id : 0;
  };
  return { time, posted, changes, lastId };
}

test('a change resolves with the membership, a transfer with nothing', async () => {
  const { changes, posted, lastId } = makeKit();
  const change = changes.changeMembership(CHANGE, true, OPTIONS);
  assert.deepEqual(posted[0], { type: 'change-membership', id: lastId(), change: CHANGE, retain: true });
  changes.onEffect({ type: 'membership-changed', id: lastId(), result: NO_MEMBERSHIP });
  assert.equal(await change, NO_MEMBERSHIP);
  const transfer = changes.transfer(2, OPTIONS);
  changes.onEffect({ type: 'transfer-done', id: lastId() });
  assert.equal(await transfer, undefined);
});

test('refusals are typed errors', async () => {
  const { changes, lastId } = makeKit();
  const change = changes.changeMembership(CHANGE, false, OPTIONS);
  const refusal = { code: 'change-in-progress', committed: logId(1, 1), pending: logId(1, 2) } as const;
  changes.onEffect({ type: 'membership-refused', id: lastId(), refusal });
  await assert.rejects(change, ChangeInProgressError);
  const transfer = changes.transfer(9, OPTIONS);
  changes.onEffect({ type: 'transfer-refused', id: lastId(), refusal: { code: 'not-a-voter', to: 9 } });
  await assert.rejects(transfer, TransferError);
});

test('once posted, who stops waiting does not know the outcome', async () => {
  const { time, changes } = makeKit();
  const abort = new AbortController();
  const aborted = watch(changes.changeMembership(CHANGE, false, { ...OPTIONS, signal: abort.signal }));
  const late = watch(changes.transfer(2, { timeoutMs: 100 }));
  const reason = new Error('enough');
  abort.abort(reason);
  await time.advance(100);
  assert.ok(aborted.result?.status === 'rejected' && aborted.result.reason instanceof IndeterminateError);
  assert.equal(aborted.result.reason.cause, reason);
  assert.ok(late.result?.status === 'rejected' && late.result.reason instanceof IndeterminateError);
});

test('an aborted signal posts nothing', async () => {
  const { changes, posted } = makeKit();
  const reason = new Error('before');
  await assert.rejects(changes.transfer(2, { ...OPTIONS, signal: AbortSignal.abort(reason) }), reason);
  assert.deepEqual(posted, []);
});

test('lost leadership leaves changes unknown; a transfer goes on, for it may be what it wanted', async () => {
  const { changes, lastId } = makeKit();
  const change = watch(changes.changeMembership(CHANGE, false, OPTIONS));
  const transfer = watch(changes.transfer(2, OPTIONS));
  const transferId = lastId();
  changes.onLeadershipLost();
  await settle();
  assert.ok(change.result?.status === 'rejected' && change.result.reason instanceof IndeterminateError);
  assert.equal(change.result.reason.leaderId, 2);
  assert.equal(transfer.status(), 'pending');
  changes.onEffect({ type: 'transfer-done', id: transferId });
  await settle();
  assert.equal(transfer.status(), 'fulfilled');
});

test('at the end nothing waits any more, and later calls are refused', async () => {
  const { time, changes } = makeKit();
  const calls = [changes.changeMembership(CHANGE, false, OPTIONS), changes.transfer(2, OPTIONS)].map((call) =>
    watch<unknown>(call),
  );
  const fatal = new FatalError(1, 'disk');
  changes.rejectAll(() => fatal);
  await settle();
  for (const { result } of calls) {
    assert.ok(result?.status === 'rejected' && ConsensusError.is(result.reason));
    assert.ok(result.reason === fatal || result.reason.cause === fatal);
  }
  await assert.rejects(changes.transfer(2, OPTIONS), fatal);
  assert.equal(time.timerCount, 0);
});
