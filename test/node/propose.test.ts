/** Proposals through any node, and what their errors say. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  BusyError,
  ConsensusError,
  FatalError,
  IndeterminateError,
  NotLeaderError,
  PayloadTooLargeError,
  SerializationError,
  StoppedError,
  TimeoutError,
} from '../../src/errors.ts';
import { addressOf, startCluster } from '../support/cluster.ts';

const failureOf = async (call: Promise<unknown>): Promise<unknown> =>
  await call.then(
    () => null,
    (e: unknown) => e,
  );

describe('proposals', () => {
  test('any node takes them, and answers with the response of the state machine', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2], learners: [3] });
    assert.equal(await cluster.node(1).propose({ key: 'a', value: 1 }), null);
    assert.equal(await cluster.node(2).propose({ key: 'a', value: 2 }), 1);
    assert.equal(await cluster.node(3).propose({ key: 'a', value: 3 }), 2);
    const error = await failureOf(cluster.node(2).propose({ key: 'a', value: 4 }, { forward: false }));
    assert.ok(error instanceof NotLeaderError);
    assert.deepEqual([error.leaderId, error.leaderNode?.addr, error.retry], [1, addressOf(1), 'safe']);
    assert.equal(await cluster.node(1).propose({ key: 'a', value: 5 }, { forward: false }), 3);
  });

  test('forwarded ones wait for no heartbeat', async (t) => {
    const config = { heartbeatIntervalMs: 5000, electionTimeoutMinMs: 20_000, electionTimeoutMaxMs: 30_000 };
    const cluster = await startCluster(t, { ids: [1, 2], config });
    for (let value = 0; value < 5; value += 1) await cluster.node(2).propose({ key: 'a', value }, { timeoutMs: 2000 });
    assert.equal(cluster.value(1, 'a'), 4);
  });

  test('while there is no leader they wait for one, within their deadline', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3] });
    await cluster.node(1).propose({ key: 'a', value: 1 });
    await cluster.stop(1);
    const responses = await Promise.all([2, 3].map((id) => cluster.node(id).propose({ key: `from ${id}`, value: id })));
    assert.deepEqual(responses, [null, null]);
    assert.equal(await cluster.node(2).propose({ key: 'a', value: 2 }), 1);
  });

  test('without a leader for the whole time they were not applied', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2] });
    await cluster.stop(1);
    const error = await failureOf(cluster.node(2).propose({ key: 'a', value: 1 }, { timeoutMs: 900 }));
    assert.ok(ConsensusError.is(error) && error.retry === 'safe', String(error));
    await cluster.startNode(1);
    assert.equal(await cluster.node(2).propose({ key: 'a', value: 2 }), null);
  });

  test('a node that belongs to no cluster refuses at once', async (t) => {
    const cluster = await startCluster(t, { ids: [1], isFormed: false });
    const error = await failureOf(cluster.node(1).propose({ key: 'a', value: 1 }, { timeoutMs: 60_000 }));
    assert.ok(error instanceof NotLeaderError);
    assert.equal(error.leaderId, null);
  });

  test('on a leader that lost its quorum the outcome is unknown, and told so when it steps down', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3] });
    cluster.isolate(1);
    const short = failureOf(cluster.node(1).propose({ key: 'a', value: 1 }, { timeoutMs: 50 }));
    const abort = new AbortController();
    const aborted = failureOf(cluster.node(1).propose({ key: 'b', value: 1 }, { signal: abort.signal }));
    const long = failureOf(cluster.node(1).propose({ key: 'c', value: 1 }));
    await cluster.node(1).wait().logIndex(5);
    abort.abort(new Error('not needed any more'));
    for (const [call, reason] of [
      [short, /not committed within 50 ms/],
      [aborted, /the caller aborted/],
      [long, /lost its leadership/],
    ] as const) {
      const error = await call;
      assert.ok(error instanceof IndeterminateError, String(error));
      assert.match(error.message, reason);
      assert.equal(error.retry, 'unsafe');
      assert.ok(error.logId !== null && error.logId.index >= 3);
    }
  });

  test('an abort before anything was done rejects with its reason', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2] });
    const reason = new Error('not needed any more');
    const before = cluster.node(1).metrics().lastLogIndex;
    assert.equal(
      await failureOf(cluster.node(1).propose({ key: 'a', value: 1 }, { signal: AbortSignal.abort(reason) })),
      reason,
    );
    assert.equal(
      await failureOf(cluster.node(2).propose({ key: 'a', value: 1 }, { signal: AbortSignal.abort(reason) })),
      reason,
    );
    const abort = new AbortController();
    const queued = failureOf(cluster.node(1).propose({ key: 'a', value: 1 }, { signal: abort.signal }));
    abort.abort(reason);
    assert.equal(await queued, reason);
    await cluster.node(1).propose({ key: 'a', value: 2 });
    assert.equal(cluster.node(1).metrics().lastLogIndex, before + 1);
    await cluster.stop(1);
    const waiting = new AbortController();
    const call = failureOf(cluster.node(2).propose({ key: 'a', value: 1 }, { signal: waiting.signal }));
    await cluster.node(2).wait().currentLeader(null);
    waiting.abort(reason);
    assert.equal(await call, reason);
  });

  test('a forwarded one whose leader hangs has an unknown outcome', async (t) => {
    const cluster = await startCluster(t, {
      ids: [1, 2],
      config: { electionTimeoutMinMs: 2000, electionTimeoutMaxMs: 4000 },
    });
    cluster.hang(1);
    const error = await failureOf(cluster.node(2).propose({ key: 'a', value: 1 }, { timeoutMs: 100 }));
    assert.ok(error instanceof IndeterminateError);
    assert.match(error.message, /did not answer within 100 ms/);
  });

  test('BUG-10 the errors of the leader reach the node that forwarded', async (t) => {
    const cluster = await startCluster(t, {
      ids: [1, 2],
      config: {
        maxUncommittedBytes: 2000,
        maxRequestBytes: 2000,
        electionTimeoutMinMs: 2000,
        electionTimeoutMaxMs: 4000,
      },
    });
    // Node 1 hears nothing from node 2 any more, so what it appends stays uncommitted; requests get through.
    cluster.hub.filter((envelope, message) =>
      envelope.from === 2 && message.type === 'append-response' ? 'drop' : 'deliver',
    );
    const value = 'x'.repeat(1000);
    const pending = [1, 2].map((n) => failureOf(cluster.node(1).propose({ key: `${n}`, value }, { timeoutMs: 1000 })));
    await cluster.node(1).wait().logIndexAtLeast(3);
    const error = await failureOf(cluster.node(2).propose({ key: 'a', value }, { timeoutMs: 1000 }));
    assert.ok(error instanceof BusyError, String(error));
    assert.equal(error.limit, 'maxUncommittedBytes');
    await Promise.all(pending);
  });

  test('what cannot be encoded or is too large is refused on the node itself', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2], config: { maxRequestBytes: 100 } });
    const follower = cluster.node(2);
    // The type says otherwise, as JavaScript callers would.
    const symbol = { key: 'a', value: Symbol('s') as unknown as number };
    await assert.rejects(follower.propose(symbol), SerializationError);
    await assert.rejects(follower.propose({ key: 'a', value: 'x'.repeat(100) }), PayloadTooLargeError);
    assert.equal(cluster.node(1).metrics().lastLogIndex, 2);
  });

  test('during a transfer of leadership they are taken by the next leader', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3] });
    const values = Array.from({ length: 300 }, (_, value) => value);
    let isDone = false;
    const transferring = (async () => {
      for (const to of [2, 3, 1]) {
        const from = await cluster.leader();
        await from.transferLeadership(to);
        await cluster.node(to).wait().state('leader');
      }
      isDone = true;
    })();
    const outcomes: string[] = [];
    for (const value of values) {
      const error = await failureOf(cluster.node(1).propose({ key: `k${value}`, value }));
      outcomes.push(error === null ? 'applied' : (error as ConsensusError).code);
      if (isDone && value > 20) break;
    }
    await transferring;
    // What was appended when leadership went may be unknown; nothing is refused.
    assert.deepEqual(
      [...new Set(outcomes)].filter((outcome) => outcome !== 'INDETERMINATE'),
      ['applied'],
    );
  });
});

describe('at the end of a node every call settles once', () => {
  test('by shutdown', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3] });
    cluster.isolate(1);
    const node = cluster.node(1);
    const settled: string[] = [];
    const track = (name: string, call: Promise<unknown>): Promise<unknown> =>
      call.then(
        () => settled.push(`${name} done`),
        (error: unknown) => settled.push(`${name} ${(error as ConsensusError).code}`),
      );
    const calls = [
      track('propose', node.propose({ key: 'a', value: 1 })),
      track('change', node.raft.changeMembership([1])),
    ];
    await node.wait().logIndex(4);
    calls.push(
      track('transfer', node.transferLeadership(2)),
      track('propose in transfer', node.propose({ key: 'a', value: 2 })),
      track(
        'read',
        node.read(() => 1),
      ),
      track('second change', node.removeMember(3)),
      track('wait', node.wait().logIndex(1000)),
    );
    await node.raft.shutdown();
    await Promise.all(calls);
    assert.deepEqual(settled.toSorted(), [
      'change INDETERMINATE',
      'propose INDETERMINATE',
      'propose in transfer STOPPED',
      'read STOPPED',
      'second change INDETERMINATE',
      'transfer INDETERMINATE',
      'wait STOPPED',
    ]);
    assert.ok((await failureOf(node.propose({ key: 'a', value: 1 }))) instanceof StoppedError);
  });

  test('by a fatal failure', async (t) => {
    const cluster = await startCluster(t, {
      ids: [1],
      onApply: ({ key }) => {
        if (key === 'poison') throw new Error('apply failed');
      },
    });
    const node = cluster.node(1);
    const waiting = failureOf(node.wait().logIndex(1000));
    await node.propose({ key: 'a', value: 1 });
    const errors = await Promise.all(['poison', 'b'].map((key) => failureOf(node.propose({ key, value: 1 }))));
    for (const error of errors) {
      assert.ok(error instanceof IndeterminateError && error.cause instanceof FatalError, String(error));
    }
    assert.ok((await waiting) instanceof FatalError);
    assert.ok((await failureOf(node.propose({ key: 'c', value: 1 }))) instanceof FatalError);
    assert.ok((await failureOf(node.read(() => 1, { consistency: 'stale' }))) instanceof FatalError);
    assert.equal(node.isLeader(), false);
    assert.equal(node.leader(), null);
    await node.shutdown();
  });

  test('by its own deadline', async (t) => {
    const cluster = await startCluster(t, {
      ids: [1, 2],
      config: { electionTimeoutMinMs: 3000, electionTimeoutMaxMs: 5000 },
    });
    cluster.hang(2);
    const node = cluster.node(1);
    const errors = await Promise.all(
      [
        node.propose({ key: 'a', value: 1 }, { timeoutMs: 100 }),
        node.removeMember(2, { timeoutMs: 100 }),
        node.read(() => 1, { consistency: { atLeast: 1000 }, timeoutMs: 100 }),
        node.wait(100).logIndex(1000),
        node.addLearner(2, addressOf(2), { timeoutMs: 100 }),
      ].map(failureOf),
    );
    assert.deepEqual(
      errors.map((error) => (error as ConsensusError).code),
      ['INDETERMINATE', 'INDETERMINATE', 'TIMEOUT', 'TIMEOUT', 'UNREACHABLE'],
    );
    assert.ok(errors[2] instanceof TimeoutError);
  });
});
