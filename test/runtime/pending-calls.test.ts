import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { PendingCalls } from '../../src/runtime/pending-calls.ts';
import { watch } from '../support/fake-node.ts';
import { FakeTime, settle } from '../support/fake-time.ts';

function makeCalls(): { readonly time: FakeTime; readonly calls: PendingCalls<string>; readonly ids: number[] } {
  const time = new FakeTime();
  const calls = new PendingCalls<string>(time, time, {
    timedOut: (timeoutMs) => new Error(`late after ${timeoutMs}`),
    aborted: (reason) => new Error(`aborted: ${String(reason)}`),
  });
  return { time, calls, ids: [] };
}

test('a call settles once: what comes after its answer is ignored', async () => {
  const { time, calls, ids } = makeCalls();
  const abort = new AbortController();
  const answer = calls.call({ timeoutMs: 100, signal: abort.signal }, (id) => ids.push(id));
  const [id = 0] = ids;
  assert.equal(calls.has(id), true);
  calls.resolve(id, 'yes');
  calls.resolve(id, 'again');
  calls.reject(id, new Error('no'));
  abort.abort('too late');
  calls.rejectAll(() => new Error('stopped'));
  await time.advance(1000);
  assert.equal(await answer, 'yes');
  assert.deepEqual([calls.size, calls.has(id)], [0, false]);
});

test('the deadline rejects, and each call has its own', async () => {
  const { time, calls, ids } = makeCalls();
  const late = calls.call({ timeoutMs: 300 }, (id) => ids.push(id));
  const early = calls.call({ timeoutMs: 100 }, (id) => ids.push(id));
  const [lateState, earlyState] = [watch(late), watch(early)];
  assert.equal(time.timerCount, 1);
  await time.advance(99);
  assert.deepEqual([earlyState.result, lateState.result], [null, null]);
  await time.advance(1);
  assert.equal(lateState.result, null);
  await assert.rejects(early, /late after 100/);
  assert.equal(time.timerCount, 1);
  await time.advance(200);
  await assert.rejects(late, /late after 300/);
  assert.equal(time.timerCount, 0);
});

test('an abort rejects with what the caller of the calls makes of the reason', async () => {
  const { calls, ids } = makeCalls();
  const abort = new AbortController();
  const call = calls.call({ timeoutMs: 100, signal: abort.signal }, (id) => ids.push(id));
  abort.abort('enough');
  await assert.rejects(call, /aborted: enough/);
  assert.equal(calls.size, 0);
});

test('a signal that is aborted already rejects with its own reason, and nothing is started', async () => {
  const { calls, ids } = makeCalls();
  const reason = new Error('before');
  await assert.rejects(
    calls.call({ timeoutMs: 100, signal: AbortSignal.abort(reason) }, (id) => ids.push(id)),
    reason,
  );
  assert.deepEqual(ids, []);
});

test('no listener stays on the signal, however a call ends', async () => {
  const { time, calls, ids } = makeCalls();
  const { signal } = new AbortController();
  const all = [1, 2, 3, 4].map(() => watch(calls.call({ timeoutMs: 100, signal }, (id) => ids.push(id))));
  assert.equal(getEventListeners(signal, 'abort').length, 4);
  const [first = 0, second = 0] = ids;
  calls.resolve(first, 'done');
  calls.reject(second, new Error('refused'));
  assert.equal(getEventListeners(signal, 'abort').length, 2);
  await time.advance(100);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  assert.ok(all.every(({ result }) => result !== null));
});

test('after stop every call, waiting or new, is rejected at once', async () => {
  const { time, calls, ids } = makeCalls();
  const waiting = calls.call({ timeoutMs: 100 }, (id) => ids.push(id));
  calls.stop(() => new Error('stopped'));
  await assert.rejects(waiting, /stopped/);
  const late = watch(calls.call({ timeoutMs: 100 }, (id) => ids.push(id)));
  await settle();
  assert.equal(late.result?.status, 'rejected');
  assert.equal(ids.length, 1);
  assert.equal(time.timerCount, 0);
});
