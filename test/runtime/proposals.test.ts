import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { logId } from '../../src/core/ids.ts';
import { BusyError, FatalError, IndeterminateError, NotLeaderError, TimeoutError } from '../../src/errors.ts';
import { Proposals } from '../../src/runtime/proposals.ts';
import { basicNode, watch } from '../support/fake-node.ts';
import { decodeText, encodeText } from '../support/fake-state-machine.ts';
import { FakeTime, settle } from '../support/fake-time.ts';

const OPTIONS = { timeoutMs: 1000 };

function makeProposals(maxQueuedBytes: number = 100_000): { readonly time: FakeTime; readonly proposals: Proposals } {
  const time = new FakeTime();
  const hint = () => ({ nodeId: 1, leaderId: 2, leaderNode: basicNode(2) });
  return { time, proposals: new Proposals(time, time, { maxQueuedBytes, hint }) };
}

/** The whole batch is appended from `firstIndex` on in term 3. */
function appended(proposals: Proposals, firstIndex: number): string[] {
  const texts = proposals.takeBatch().map(decodeText);
  proposals.onProposed({
    type: 'proposed',
    accepted: texts.length,
    firstLogId: logId(3, firstIndex),
    refusal: null,
  });
  return texts;
}

test('a batch keeps the order of the calls, and each caller gets the answer to its own request', async () => {
  const { proposals } = makeProposals();
  const answers = ['a', 'b', 'c'].map((text) => proposals.add(encodeText(text), OPTIONS));
  assert.deepEqual(appended(proposals, 7), ['a', 'b', 'c']);
  assert.equal(proposals.hasQueued, false);
  for (const index of [7, 8, 9]) proposals.settle(logId(3, index), `done ${index}`);
  assert.deepEqual(await Promise.all(answers), [
    { logId: logId(3, 7), response: 'done 7' },
    { logId: logId(3, 8), response: 'done 8' },
    { logId: logId(3, 9), response: 'done 9' },
  ]);
  assert.equal(proposals.pendingCount, 0);
});

test('what the core refuses of a batch was not applied, the rest goes on', async () => {
  const { proposals } = makeProposals();
  const [first, second] = ['a', 'b'].map((text) => proposals.add(encodeText(text), OPTIONS));
  proposals.takeBatch();
  const refusal = { code: 'not-leader', leaderId: 2, leaderNode: basicNode(2) } as const;
  proposals.onProposed({ type: 'proposed', accepted: 1, firstLogId: logId(3, 7), refusal });
  await assert.rejects(second ?? Promise.resolve(), (error) => {
    assert.ok(error instanceof NotLeaderError);
    assert.deepEqual([error.leaderId, error.retry], [2, 'safe']);
    return true;
  });
  proposals.settle(logId(3, 7), 'done');
  assert.deepEqual(await first, { logId: logId(3, 7), response: 'done' });
});

test('a deadline in the queue is safe to retry: the request is never handed to the core', async () => {
  const { time, proposals } = makeProposals();
  const call = watch(proposals.add(encodeText('a'), { timeoutMs: 100 }));
  await time.advance(100);
  assert.ok(call.result?.status === 'rejected' && call.result.reason instanceof TimeoutError);
  assert.deepEqual(proposals.takeBatch(), []);
});

test('a deadline after the append leaves the outcome unknown, at a known LogId', async () => {
  const { time, proposals } = makeProposals();
  const call = watch(proposals.add(encodeText('a'), { timeoutMs: 100 }));
  appended(proposals, 7);
  await time.advance(100);
  assert.ok(call.result?.status === 'rejected' && call.result.reason instanceof IndeterminateError);
  assert.deepEqual(call.result.reason.logId, logId(3, 7));
  proposals.settle(logId(3, 7), 'too late');
  assert.equal(proposals.pendingCount, 0);
});

test('an abort in the queue rejects with its reason, after the append with an unknown outcome', async () => {
  const { proposals } = makeProposals();
  const abort = new AbortController();
  const { signal } = abort;
  const sent = watch(proposals.add(encodeText('a'), { ...OPTIONS, signal }));
  appended(proposals, 7);
  const queued = watch(proposals.add(encodeText('b'), { ...OPTIONS, signal }));
  const reason = new Error('enough');
  abort.abort(reason);
  await settle();
  assert.deepEqual(queued.result, { status: 'rejected', reason });
  assert.ok(sent.result?.status === 'rejected' && sent.result.reason instanceof IndeterminateError);
  assert.deepEqual([sent.result.reason.logId, sent.result.reason.cause], [logId(3, 7), reason]);
  assert.deepEqual(proposals.takeBatch(), []);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('an aborted signal is refused before anything is queued', async () => {
  const { proposals } = makeProposals();
  const reason = new Error('before');
  await assert.rejects(proposals.add(encodeText('a'), { ...OPTIONS, signal: AbortSignal.abort(reason) }), reason);
  assert.equal(proposals.hasQueued, false);
});

test('no listener stays on the signal after the answer', async () => {
  const { proposals } = makeProposals();
  const { signal } = new AbortController();
  const call = proposals.add(encodeText('a'), { ...OPTIONS, signal });
  appended(proposals, 7);
  proposals.settle(logId(3, 7), 'done');
  await call;
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('the queue is bounded in bytes; a full one refuses, and takes again after a turn', async () => {
  const { proposals } = makeProposals(1000);
  const first = watch(proposals.add(new Uint8Array(600), OPTIONS));
  await assert.rejects(proposals.add(new Uint8Array(600), OPTIONS), (error) => {
    assert.ok(error instanceof BusyError);
    assert.deepEqual([error.limit, error.retry], ['maxUncommittedBytes', 'safe']);
    return true;
  });
  assert.equal(first.result, null);
  appended(proposals, 7);
  const next = watch(proposals.add(new Uint8Array(600), OPTIONS));
  await settle();
  assert.equal(next.result, null);
});

test('a single request larger than the queue still passes, alone', () => {
  const { proposals } = makeProposals(1000);
  const call = watch(proposals.add(new Uint8Array(5000), OPTIONS));
  assert.equal(proposals.takeBatch().length, 1);
  assert.equal(call.result, null);
});

test("another term's entry at the index means that the own one is gone, not that it was applied", async () => {
  const { proposals } = makeProposals();
  const call = proposals.add(encodeText('a'), OPTIONS);
  appended(proposals, 7);
  proposals.settle(logId(4, 7), 'of another leader');
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof IndeterminateError);
    assert.deepEqual(error.logId, logId(3, 7));
    return true;
  });
});

test('lost leadership makes what was appended unknown, and leaves what is queued', async () => {
  const { proposals } = makeProposals();
  const sent = proposals.add(encodeText('a'), OPTIONS);
  appended(proposals, 7);
  const queued = watch(proposals.add(encodeText('b'), OPTIONS));
  proposals.onLeadershipLost();
  await assert.rejects(sent, (error) => {
    assert.ok(error instanceof IndeterminateError);
    assert.deepEqual([error.leaderId, error.leaderNode?.addr, error.retry], [2, 'n2:1', 'unsafe']);
    return true;
  });
  assert.equal(queued.result, null);
  assert.deepEqual(proposals.takeBatch().map(decodeText), ['b']);
});

test('at the end the queued ones fail with the error itself, the appended ones with an unknown outcome', async () => {
  const { time, proposals } = makeProposals();
  const sent = watch(proposals.add(encodeText('a'), OPTIONS));
  appended(proposals, 7);
  const queued = watch(proposals.add(encodeText('b'), OPTIONS));
  const fatal = new FatalError(1, 'disk');
  proposals.rejectAll(() => fatal);
  await settle();
  assert.deepEqual(queued.result, { status: 'rejected', reason: fatal });
  assert.ok(sent.result?.status === 'rejected' && sent.result.reason instanceof IndeterminateError);
  assert.equal(sent.result.reason.cause, fatal);
  assert.equal(time.timerCount, 0);
});

test('a proposal that nobody waits for any more is not counted as pending', async () => {
  const { time, proposals } = makeProposals();
  watch(proposals.add(encodeText('a'), { timeoutMs: 100 }));
  watch(proposals.add(encodeText('b'), { timeoutMs: 1000 }));
  appended(proposals, 7);
  assert.equal(proposals.pendingCount, 2);
  await time.advance(100);
  assert.equal(proposals.pendingCount, 1);
});
