import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logId } from '../../src/core/ids.ts';
import type { Input } from '../../src/core/input.ts';
import { NotLeaderError, QuorumNotEnoughError, StoppedError, TimeoutError } from '../../src/errors.ts';
import { Reads } from '../../src/runtime/reads.ts';
import { watch } from '../support/fake-node.ts';
import { FakeTime, settle } from '../support/fake-time.ts';

const OPTIONS = { timeoutMs: 1000 };

function makeKit() {
  const time = new FakeTime();
  const kit = { time, posted: [] as Input[], appliedIndex: 5 };
  const reads = new Reads({
    nodeId: 1,
    clock: time,
    timers: time,
    post: (input) => kit.posted.push(input),
    appliedIndex: () => kit.appliedIndex,
  });
  const apply = (index: number): void => {
    kit.appliedIndex = index;
    reads.onApplied(index);
  };
  const lastId = (): number => {
    const input = kit.posted.at(-1);
    return input?.type === 'read' ? input.id : 0;
  };
  return Object.assign(kit, { reads, apply, lastId });
}

test('each read gets the position that was granted to it', async () => {
  const { reads, posted, lastId } = makeKit();
  const first = reads.position('read-index', OPTIONS);
  const firstId = lastId();
  const second = reads.position('lease', OPTIONS);
  assert.deepEqual(
    posted.map((input) => (input.type === 'read' ? input.policy : null)),
    ['read-index', 'lease'],
  );
  reads.onGranted({ type: 'read-granted', id: lastId(), readLogId: logId(2, 8), leaseUntilMs: 400 });
  reads.onGranted({ type: 'read-granted', id: firstId, readLogId: logId(2, 7), leaseUntilMs: null });
  assert.deepEqual(await first, { readLogId: logId(2, 7), leaseUntilMs: null });
  assert.deepEqual(await second, { readLogId: logId(2, 8), leaseUntilMs: 400 });
});

test('a refusal is a typed error', async () => {
  const { reads, lastId } = makeKit();
  const first = reads.position('read-index', OPTIONS);
  const refusal = { code: 'quorum-not-enough', voters: [1, 2, 3], confirmed: [1] } as const;
  reads.onRefused({ type: 'read-refused', id: lastId(), refusal });
  await assert.rejects(first, QuorumNotEnoughError);
  const second = reads.position('read-index', OPTIONS);
  const notLeader = { code: 'not-leader', leaderId: null, leaderNode: null } as const;
  reads.onRefused({ type: 'read-refused', id: lastId(), refusal: notLeader });
  await assert.rejects(second, NotLeaderError);
});

test('a read that is not granted in time changed nothing', async () => {
  const { time, reads } = makeKit();
  const read = watch(reads.position('read-index', { timeoutMs: 100 }));
  await time.advance(100);
  assert.ok(read.result?.status === 'rejected' && read.result.reason instanceof TimeoutError);
});

test('an abort rejects with its reason', async () => {
  const { reads } = makeKit();
  const abort = new AbortController();
  const read = reads.position('read-index', { ...OPTIONS, signal: abort.signal });
  const reason = new Error('enough');
  abort.abort(reason);
  await assert.rejects(read, reason);
});

test('what is applied already is not waited for, the rest until it is applied', async () => {
  const { reads, apply } = makeKit();
  await reads.whenApplied(5, OPTIONS);
  const [six, eight] = [watch(reads.whenApplied(6, OPTIONS)), watch(reads.whenApplied(8, OPTIONS))];
  apply(5);
  await settle();
  assert.deepEqual([six.status(), eight.status()], ['pending', 'pending']);
  apply(7);
  await settle();
  assert.deepEqual([six.status(), eight.status()], ['fulfilled', 'pending']);
  apply(9);
  await settle();
  assert.equal(eight.status(), 'fulfilled');
});

test('a wait for an apply has a deadline, and does not disturb the others', async () => {
  const { time, reads, apply } = makeKit();
  const short = watch(reads.whenApplied(6, { timeoutMs: 100 }));
  const long = watch(reads.whenApplied(6, { timeoutMs: 1000 }));
  await time.advance(100);
  assert.ok(short.result?.status === 'rejected' && short.result.reason instanceof TimeoutError);
  apply(6);
  await settle();
  assert.equal(long.status(), 'fulfilled');
});

test('at the end all that waits is rejected, and so is what comes later', async () => {
  const { time, reads } = makeKit();
  const waiting = [reads.position('read-index', OPTIONS), reads.whenApplied(9, OPTIONS)].map((read) =>
    watch<unknown>(read),
  );
  const error = new StoppedError(1);
  reads.rejectAll(() => error);
  const late = [reads.position('read-index', OPTIONS), reads.whenApplied(9, OPTIONS)].map((read) =>
    watch<unknown>(read),
  );
  await settle();
  for (const { result } of [...waiting, ...late]) assert.deepEqual(result, { status: 'rejected', reason: error });
  assert.equal(time.timerCount, 0);
});
