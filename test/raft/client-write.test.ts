/** Writes through the engine: order, answers, what is applied where. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry } from '../../src/core/entry.ts';
import type { LogId } from '../../src/core/ids.ts';
import { NotLeaderError, PayloadTooLargeError, SerializationError } from '../../src/errors.ts';
import type { LogStore } from '../../src/ports/log-store.ts';
import type { KvRequest, Member } from '../support/cluster.ts';
import { addressOf, startCluster, writeMany } from '../support/cluster.ts';
import { override } from '../support/override.ts';

const requestsOf = ({ journal }: Member): readonly KvRequest[] => journal.map(({ request }) => request);
const indexesOf = ({ journal }: Member): readonly number[] => journal.map(({ context }) => context.logId.index);

describe('client writes', () => {
  test('A-01 concurrent clients all succeed, and every node applies the same sequence', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3], config: { snapshotLogsSinceLast: 500 } });
    const leader = await cluster.leader();
    const { term } = await leader.raft.withRaftState((state) => state.hardState);
    const client = async (key: string): Promise<void> => await writeMany(leader, 100, key);
    await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(client));
    const { lastLogIndex, currentTerm } = leader.metrics();
    await cluster.applied(lastLogIndex);
    assert.equal(currentTerm, term, 'leadership is unchanged');
    const [first, ...others] = cluster.ids.map((id) => requestsOf(cluster.member(id)));
    assert.equal(first?.length, 600);
    for (const other of others) assert.deepEqual(other, first);
    const { snapshot } = await leader.wait().metrics((m) => m.snapshot.index > 0, 'a snapshot');
    assert.ok(snapshot.index >= 499 && snapshot.index < 600, `snapshot at ${snapshot.index}`);
  });

  test('A-02 writes that are not waited for get each its own answer and LogId', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3] });
    const { raft } = await cluster.leader();
    const first = raft.clientWrite({ key: 'foo', value: 2 });
    const second = raft.clientWrite({ key: 'foo', value: 3 });
    const [a, b] = await Promise.all([first, second]);
    assert.deepEqual([a.data, b.data], [null, 2]);
    assert.equal(b.logId.index, a.logId.index + 1);
    assert.equal(b.logId.term, a.logId.term);
  });

  test('A-12 a learner applies every entry once, in order, and never goes back', async (t) => {
    const cluster = await startCluster(t, { ids: [1], learners: [2] });
    const learner = cluster.node(2);
    let lastSeen = 0;
    let wentBack = false;
    const watching = (async () => {
      for await (const { lastApplied } of learner.raft.watch()) {
        wentBack ||= lastApplied.index < lastSeen;
        lastSeen = lastApplied.index;
      }
    })();
    await writeMany(cluster.node(1), 10_000);
    const { lastLogIndex } = cluster.node(1).metrics();
    await cluster.applied(lastLogIndex);
    await cluster.stop(2);
    await watching;
    assert.equal(wentBack, false);
    assert.equal(lastSeen, lastLogIndex);
    for (const id of [1, 2]) {
      const indexes = indexesOf(cluster.member(id));
      assert.equal(indexes.length, 10_000);
      assert.ok(indexes.every((index, position) => position === 0 || index > (indexes[position - 1] ?? 0)));
    }
    assert.deepEqual(requestsOf(cluster.member(2)), requestsOf(cluster.member(1)));
  });

  test('A-14 the application sees its requests only, and each entry has one result', async (t) => {
    const batches: { entries: number; results: number }[] = [];
    const cluster = await startCluster(t, {
      ids: [1],
      spares: [2],
      adapt: (parts, id) => {
        const { stateMachine } = parts;
        const apply = (entries: readonly Entry[]) => {
          const results = stateMachine.apply(entries);
          assert.ok(!(results instanceof Promise));
          if (id === 1) batches.push({ entries: entries.length, results: results.length });
          return results;
        };
        return { ...parts, stateMachine: override(stateMachine, { apply }) };
      },
    });
    const node = cluster.node(1);
    await node.addLearner(2, addressOf(2));
    await node.propose({ key: 'a', value: 1 });
    await node.propose({ key: 'a', value: 2 });
    const { stateMachine, journal } = cluster.member(1);
    assert.deepEqual(
      journal.map(({ request }) => request.value),
      [1, 2],
    );
    // 1 the first membership, 2 the leader's blank entry, 3 the learner, then the two requests.
    assert.equal(stateMachine.applied().lastApplied.index, 5);
    assert.equal(stateMachine.applied().membership.logId.index, 3);
    assert.ok(batches.every(({ entries, results }) => entries === results));
    assert.equal(
      batches.reduce((sum, { entries }) => sum + entries, 0),
      5,
    );
  });

  test('A-15 writes and membership changes go through a slow network', async (t) => {
    const cluster = await startCluster(t, {
      ids: [1],
      learners: [2, 3],
      config: { electionTimeoutMinMs: 1000, electionTimeoutMaxMs: 2000, heartbeatIntervalMs: 100 },
    });
    cluster.hub.delay({ minMs: 0, maxMs: 50 });
    const node = cluster.node(1);
    await node.propose({ key: 'a', value: 1 });
    await node.changeMembership([1, 2, 3]);
    await node.propose({ key: 'a', value: 2 });
    await cluster.applied(node.metrics().lastLogIndex);
    assert.deepEqual(
      [1, 2, 3].map((id) => cluster.node(id).metrics().state),
      ['leader', 'follower', 'follower'],
    );
    assert.deepEqual(
      [1, 2, 3].map((id) => cluster.value(id, 'a')),
      [2, 2, 2],
    );
  });

  test('C-16 the committed LogId is stored before the entries are applied', async (t) => {
    const saved = new Map<number, LogId>();
    const tooEarly: string[] = [];
    const cluster = await startCluster(t, {
      ids: [1, 2, 3],
      adapt: (parts, id) => ({ ...parts, logStore: notingCommitted(parts.logStore, (logId) => saved.set(id, logId)) }),
      onApply: ({ key, value }, id) => {
        const index = saved.get(id)?.index ?? 0;
        // The first write of this test is entry 3.
        if (index < Number(value) + 2) tooEarly.push(`node ${id} applied ${key}=${value} with committed ${index}`);
      },
    });
    const leader = await cluster.leader();
    await writeMany(leader, 10);
    const { lastLogIndex } = leader.metrics();
    await cluster.applied(lastLogIndex);
    assert.equal(lastLogIndex, 12);
    assert.deepEqual(tooEarly, []);
    for (const id of cluster.ids) {
      await cluster.stop(id);
      const { committed } = await cluster
        .member(id)
        .logStore.open({ nodeId: id, clusterName: 'test', newInstanceId: 'x' });
      assert.equal(committed.index, lastLogIndex);
      await cluster.member(id).logStore.close();
    }
  });

  test('a follower refuses a write and names the leader', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2] });
    const error = await cluster
      .node(2)
      .raft.clientWrite({ key: 'a', value: 1 })
      .catch((e: unknown) => e);
    assert.ok(error instanceof NotLeaderError);
    assert.deepEqual([error.leaderId, error.leaderNode?.addr], [1, addressOf(1)]);
    assert.equal(cluster.node(1).metrics().lastLogIndex, 2);
  });

  test('what cannot be encoded or is too large never enters the log', async (t) => {
    const cluster = await startCluster(t, { ids: [1], config: { maxRequestBytes: 1000 } });
    const node = cluster.node(1);
    // The type says otherwise, as JavaScript callers would.
    const unencodable = { key: 'a', value: (() => 1) as unknown as number };
    await assert.rejects(node.raft.clientWrite(unencodable), SerializationError);
    await assert.rejects(node.propose(unencodable), SerializationError);
    const large = { key: 'a', value: 'x'.repeat(1000) };
    for (const call of [node.raft.clientWrite(large), node.propose(large)]) {
      const error = await call.catch((e: unknown) => e);
      assert.ok(error instanceof PayloadTooLargeError);
      assert.equal(error.limitBytes, 1000);
      assert.ok(error.sizeBytes > 1000);
    }
    await node.propose({ key: 'a', value: 1 });
    assert.equal(node.metrics().lastLogIndex, 3);
  });

  test('a time limit that is no positive number is a mistake of the caller', async (t) => {
    const cluster = await startCluster(t, { ids: [1] });
    const { raft } = cluster.node(1);
    for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await assert.rejects(raft.clientWrite({ key: 'a', value: 1 }, { timeoutMs }), RangeError);
      await assert.rejects(raft.ensureLinearizable({ timeoutMs }), RangeError);
      assert.throws(() => raft.wait(timeoutMs), RangeError);
    }
  });
});

function notingCommitted(store: LogStore, note: (committed: LogId) => void): LogStore {
  const saveCommitted = (committed: LogId): Promise<void> => {
    note(committed);
    return store.saveCommitted(committed);
  };
  return override(store, { saveCommitted });
}
