import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { toRemoteFailure } from '../../src/codec/remote-error.ts';
import type { NodeId } from '../../src/core/ids.ts';
import { logId } from '../../src/core/ids.ts';
import type { Input } from '../../src/core/input.ts';
import {
  BusyError,
  FatalError,
  IndeterminateError,
  NotLeaderError,
  PayloadTooLargeError,
  SerializationError,
  TimeoutError,
  UnreachableError,
} from '../../src/errors.ts';
import type { PeerRequest, PeerResponse } from '../../src/ports/network.ts';
import { Forwarder } from '../../src/runtime/forwarding.ts';
import { Proposals } from '../../src/runtime/proposals.ts';
import { Reads } from '../../src/runtime/reads.ts';
import { FakeConnection } from '../support/fake-network.ts';
import { basicNode, watch } from '../support/fake-node.ts';
import { textCodec } from '../support/fake-ports.ts';
import { encodeText } from '../support/fake-state-machine.ts';
import { FakeTime, settle } from '../support/fake-time.ts';

const OPTIONS = { timeoutMs: 1000 };
const PAYLOAD = encodeText('a');
const PROPOSED: PeerResponse = { type: 'proposed', logId: logId(3, 7), response: encodeText('done a') };

function failed(error: Error): PeerResponse {
  return { type: 'failed', error: toRemoteFailure(error) };
}

/** Node 1, which follows node 2 unless `leaderId` says otherwise; there are lines to 2 and 3. */
function makeKit() {
  const time = new FakeTime();
  const events = { onMessage: () => undefined, onUnreachable: () => undefined };
  const lines = new Map<NodeId, FakeConnection>(
    [2, 3].map((nodeId) => [nodeId, new FakeConnection({ nodeId, addr: `n${nodeId}:1`, instanceId: null }, events)]),
  );
  const kit = { time, leaderId: 2 as NodeId | null, codec: { ...textCodec }, turns: 0, posted: [] as Input[] };
  const hint = () => ({
    nodeId: 1,
    leaderId: kit.leaderId,
    leaderNode: kit.leaderId === null ? null : basicNode(kit.leaderId),
  });
  const proposals = new Proposals(time, time, { maxQueuedBytes: 1e6, hint });
  const post = (input: Input): void => {
    kit.posted.push(input);
  };
  const reads = new Reads({ nodeId: 1, clock: time, timers: time, post, appliedIndex: () => 0 });
  const forwarder = new Forwarder({
    clock: time,
    timers: time,
    codec: kit.codec,
    proposals,
    reads,
    config: { maxRequestBytes: 100 },
    schedule: () => {
      kit.turns += 1;
    },
    hint,
    connection: (peer) => lines.get(peer) ?? null,
  });
  const line = (nodeId: NodeId): FakeConnection => {
    const found = lines.get(nodeId);
    assert.ok(found !== undefined);
    return found;
  };
  return Object.assign(kit, { forwarder, proposals, reads, line });
}

/** Answers nothing until its signal aborts, then fails with the signal's reason, as the adapters do. */
function hang(_request: PeerRequest, { signal }: { readonly signal: AbortSignal }): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

test('a proposal goes to the leader as bytes, and its response comes back decoded', async () => {
  const { time, forwarder, line } = makeKit();
  line(2).onRequest = async () => PROPOSED;
  const { signal } = new AbortController();
  const proposed = await forwarder.propose(PAYLOAD, { ...OPTIONS, signal });
  assert.deepEqual(proposed, { logId: logId(3, 7), response: 'done a' });
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  assert.deepEqual(line(2).requests, [{ type: 'propose', payload: PAYLOAD, timeoutMs: 1000 }]);
  assert.equal(time.timerCount, 0);
});

test('a read position comes from the leader', async () => {
  const { forwarder, line } = makeKit();
  line(2).onRequest = async () => ({ type: 'read-index', readLogId: logId(3, 6) });
  assert.deepEqual(await forwarder.readPosition(OPTIONS), logId(3, 6));
});

test('who does not lead any more is followed by the new leader, with the time that is left', async () => {
  const kit = makeKit();
  kit.line(2).onRequest = async () => {
    kit.time.spend(400);
    kit.leaderId = 3;
    return failed(new NotLeaderError(2, 3, basicNode(3)));
  };
  kit.line(3).onRequest = async () => PROPOSED;
  assert.equal((await kit.forwarder.propose(PAYLOAD, OPTIONS)).response, 'done a');
  assert.deepEqual(
    kit.line(3).requests.map(({ timeoutMs }) => timeoutMs),
    [600],
  );
});

test('a leader that refuses, while no other is known, is not asked again', async () => {
  const { forwarder, line } = makeKit();
  line(2).onRequest = async () => failed(new NotLeaderError(2, null, null));
  await assert.rejects(forwarder.propose(PAYLOAD, OPTIONS), NotLeaderError);
  assert.equal(line(2).requests.length, 1);
});

test('nodes that send each other around end after a few hops', async () => {
  const kit = makeKit();
  for (const [from, to] of [
    [2, 3],
    [3, 2],
  ] as const) {
    kit.line(from).onRequest = async () => {
      kit.leaderId = to;
      return failed(new NotLeaderError(from, to, basicNode(to)));
    };
  }
  await assert.rejects(kit.forwarder.propose(PAYLOAD, OPTIONS), NotLeaderError);
  assert.equal(kit.line(2).requests.length + kit.line(3).requests.length, 4);
});

test('without a leader nothing is sent, and the error says so', async () => {
  const kit = makeKit();
  kit.leaderId = null;
  for (const call of [kit.forwarder.propose(PAYLOAD, OPTIONS), kit.forwarder.readPosition(OPTIONS)]) {
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof NotLeaderError);
      assert.deepEqual([error.nodeId, error.leaderId, error.retry], [1, null, 'safe']);
      return true;
    });
  }
});

test("the leader's errors keep their code and details", async () => {
  const { forwarder, line } = makeKit();
  line(2).onRequest = async () => failed(new BusyError('maxUncommittedBytes', 'full'));
  await assert.rejects(forwarder.propose(PAYLOAD, OPTIONS), { code: 'BUSY', limit: 'maxUncommittedBytes' });
  line(2).onRequest = async () => failed(new IndeterminateError('lost', { logId: logId(3, 7) }));
  await assert.rejects(forwarder.propose(PAYLOAD, OPTIONS), { code: 'INDETERMINATE', logId: logId(3, 7) });
});

test('a leader that broke down leaves a proposal unknown, and a read safe', async () => {
  const { forwarder, line } = makeKit();
  line(2).onRequest = async () => failed(new FatalError(2, 'disk'));
  await assert.rejects(forwarder.propose(PAYLOAD, OPTIONS), { code: 'INDETERMINATE', retry: 'unsafe' });
  await assert.rejects(forwarder.readPosition(OPTIONS), { code: 'UNREACHABLE', retry: 'safe' });
});

test('an unreachable leader is safe: nothing was delivered', async () => {
  const { forwarder } = makeKit();
  await assert.rejects(forwarder.propose(PAYLOAD, OPTIONS), { code: 'UNREACHABLE', retry: 'safe' });
});

test('a deadline after the proposal was sent leaves it unknown; a read just timed out', async () => {
  const { time, forwarder, line } = makeKit();
  line(2).onRequest = hang;
  const proposal = watch(forwarder.propose(PAYLOAD, OPTIONS));
  const read = watch(forwarder.readPosition(OPTIONS));
  await time.advance(1000);
  assert.ok(proposal.result?.status === 'rejected' && proposal.result.reason instanceof IndeterminateError);
  assert.ok(read.result?.status === 'rejected' && read.result.reason instanceof TimeoutError);
});

test('an abort after the proposal was sent leaves it unknown, whatever the reason is; a read ends with the reason', async () => {
  const { forwarder, line } = makeKit();
  line(2).onRequest = hang;
  for (const reason of [new Error('enough'), new TimeoutError('mine', 5), new UnreachableError('x', 'mine')]) {
    const abort = new AbortController();
    const options = { ...OPTIONS, signal: abort.signal };
    const proposal = watch(forwarder.propose(PAYLOAD, options));
    const read = watch(forwarder.readPosition(options));
    abort.abort(reason);
    await settle();
    assert.ok(proposal.result?.status === 'rejected' && proposal.result.reason instanceof IndeterminateError);
    assert.equal(proposal.result.reason.cause, reason);
    assert.deepEqual(read.result, { status: 'rejected', reason });
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  }
});

test('a deadline while the leader could not be reached is a timeout: nothing was delivered', async () => {
  const { time, forwarder, line } = makeKit();
  line(2).onRequest = (_request, { signal }) =>
    new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(new UnreachableError('n2:1', 'still connecting'))),
    );
  const proposal = watch(forwarder.propose(PAYLOAD, OPTIONS));
  await time.advance(1000);
  assert.ok(proposal.result?.status === 'rejected' && proposal.result.reason instanceof TimeoutError);
});

test('an aborted signal sends nothing, and rejects with its reason', async () => {
  const { time, forwarder, line } = makeKit();
  const reason = new Error('before');
  await assert.rejects(forwarder.propose(PAYLOAD, { ...OPTIONS, signal: AbortSignal.abort(reason) }), reason);
  assert.deepEqual([line(2).requests, time.timerCount], [[], 0]);
});

test('a response that can not be decoded does not look like a refused request', async () => {
  const kit = makeKit();
  kit.line(2).onRequest = async () => PROPOSED;
  kit.codec.decodeResponse = () => {
    throw new SerializationError('other version');
  };
  await assert.rejects(kit.forwarder.propose(PAYLOAD, OPTIONS), { code: 'INDETERMINATE', logId: logId(3, 7) });
});

test('the leader answers with the encoded response of its state machine', async () => {
  const { forwarder, proposals } = makeKit();
  const answer = forwarder.answer({ type: 'propose', payload: PAYLOAD, timeoutMs: 1000 }, new AbortController().signal);
  assert.deepEqual(proposals.takeBatch(), [PAYLOAD]);
  proposals.onProposed({ type: 'proposed', accepted: 1, firstLogId: logId(3, 7), refusal: null });
  proposals.settle(logId(3, 7), 'done a');
  assert.deepEqual(await answer, PROPOSED);
});

test('the leader takes a turn for what it was asked, and bounds its size', async () => {
  const kit = makeKit();
  const { signal } = new AbortController();
  watch(kit.forwarder.answer({ type: 'propose', payload: PAYLOAD, timeoutMs: 1000 }, signal));
  assert.equal(kit.turns, 1);
  const large = await kit.forwarder.answer({ type: 'propose', payload: new Uint8Array(101), timeoutMs: 1000 }, signal);
  assert.ok(large.type === 'failed');
  assert.equal(large.error.code, new PayloadTooLargeError(101, 100).code);
  assert.equal(kit.proposals.takeBatch().length, 1);
});

test('the leader answers a failure as a failure, never by throwing', async () => {
  const { time, forwarder, reads, posted } = makeKit();
  const { signal } = new AbortController();
  const late = watch(forwarder.answer({ type: 'read-index', timeoutMs: 100 }, signal));
  await time.advance(100);
  assert.ok(late.result?.status === 'fulfilled' && late.result.value.type === 'failed');
  assert.equal(late.result.value.error.code, 'TIMEOUT');
  const granted = forwarder.answer({ type: 'read-index', timeoutMs: 100 }, signal);
  const input = posted.at(-1);
  assert.ok(input?.type === 'read');
  reads.onGranted({ type: 'read-granted', id: input.id, readLogId: logId(3, 6), leaseUntilMs: null });
  assert.deepEqual(await granted, { type: 'read-index', readLogId: logId(3, 6) });
});
