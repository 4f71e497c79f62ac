/** A node as its application builds, starts and ends it. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConsensusConfig } from '../../src/index.ts';
import {
  AlreadyInitializedError,
  ConfigError,
  ConsensusNodeBuilder,
  IdentityError,
  msgpackCodec,
  StoppedError,
  TimeoutError,
} from '../../src/index.ts';
import { MemHub } from '../../src/network/memory/index.ts';
import type { LogStore } from '../../src/ports/log-store.ts';
import { MemLogStore, MemStateMachine } from '../../src/storage/memory/index.ts';
import { systemClock } from '../../src/system/system-ports.ts';
import { addressOf, startCluster, writeMany } from '../support/cluster.ts';
import { collect } from '../support/collect.ts';
import { Gate } from '../support/gate.ts';
import { override } from '../support/override.ts';

const failureOf = async (call: Promise<unknown>): Promise<unknown> =>
  await call.then(
    () => null,
    (e: unknown) => e,
  );

function counter(): MemStateMachine<{ total: number }, number, number> {
  return new MemStateMachine({
    initialState: () => ({ total: 0 }),
    apply: (state, add) => {
      state.total += add;
      return state.total;
    },
  });
}

describe('building a node', () => {
  test('every problem of id, address and configuration is listed at once', async () => {
    // What a JavaScript caller may pass.
    const config = { heartbeatIntervalMs: -1, clusterName: 7, unknown: 1 } as unknown as Partial<ConsensusConfig>;
    const builder = new ConsensusNodeBuilder<number, number>(0, 'a b').withConfig(config);
    const error = await failureOf(builder.buildWith(new MemLogStore(), counter(), new MemHub().network('a:1')));
    assert.ok(error instanceof ConfigError);
    assert.deepEqual(
      error.problems.map(({ field }) => field),
      ['nodeId', 'address', 'unknown', 'clusterName', 'heartbeatIntervalMs'],
    );
    for (const id of [-1, 1.5, Number.NaN, 2 ** 53, '1' as unknown as number]) {
      const invalid = new ConsensusNodeBuilder<number, number>(id, 'a:1');
      await assert.rejects(invalid.buildWith(new MemLogStore(), counter(), new MemHub().network('a:1')), ConfigError);
    }
  });

  test('each part can be given, and all have defaults', async (t) => {
    const logged: string[] = [];
    const counted: string[] = [];
    const log = (_fields: object, message: string): void => void logged.push(message);
    const stateMachine = counter();
    const node = await new ConsensusNodeBuilder<number, number>(1, 'a:1')
      .withConfig({ clusterName: 'demo' })
      .withConfig({ heartbeatIntervalMs: 100 })
      .withCodec(msgpackCodec<number, number>())
      .withLogger({ debug: log, info: log, warn: log, error: log })
      .withObserver({ count: (name) => void counted.push(name), record: (name) => void counted.push(name) })
      .buildWith(new MemLogStore(), stateMachine, new MemHub().network('a:1'));
    t.after(() => node.shutdown());
    const { clusterName, heartbeatIntervalMs } = node.raft.config();
    assert.deepEqual([node.nodeId, node.address, clusterName, heartbeatIntervalMs], [1, 'a:1', 'demo', 100]);
    await node.bootstrap();
    assert.equal(await node.propose(3), 3);
    assert.equal(await node.read(() => stateMachine.state.total), 3);
    assert.ok(counted.includes('persist.ms'));
  });

  test('a store of another node or another cluster name is refused, and everything is closed again', async () => {
    const logStore = new MemLogStore();
    const hub = new MemHub();
    const build = (id: number, config: Partial<ConsensusConfig> = {}) =>
      new ConsensusNodeBuilder<number, number>(id, 'a:1')
        .withConfig(config)
        .buildWith(logStore, counter(), hub.network('a:1'));
    const first = await build(1);
    await first.shutdown();
    await assert.rejects(build(2), IdentityError);
    await assert.rejects(build(1, { clusterName: 'other' }), IdentityError);
    const again = await build(1);
    await again.shutdown();
  });
});

describe('bootstrap', () => {
  test('a write right after it works', async (t) => {
    const cluster = await startCluster(t, { ids: [], spares: [1] });
    const node = cluster.node(1);
    assert.equal(node.isInitialized(), false);
    await node.bootstrap();
    assert.deepEqual([node.isLeader(), node.isInitialized(), node.voterIds()], [true, true, [1]]);
    assert.equal(await node.propose({ key: 'a', value: 1 }, { forward: false }), null);
    assert.equal(await node.read(() => cluster.value(1, 'a'), { consistency: 'leader' }), 1);
  });

  test('a second one is refused, or ignored on request; also while the first is under way, and after a restart', async (t) => {
    const cluster = await startCluster(t, { ids: [], spares: [1] });
    const node = cluster.node(1);
    const outcomes = await Promise.all([node.bootstrapIfNeeded(), node.bootstrapIfNeeded()]);
    assert.deepEqual(outcomes.toSorted(), [false, true]);
    assert.ok(node.isLeader());
    await assert.rejects(node.bootstrap(), AlreadyInitializedError);
    const { clusterId } = node.metrics();
    await cluster.stop(1);
    const again = await cluster.startNode(1);
    assert.equal(await again.bootstrapIfNeeded(), false);
    assert.equal(again.metrics().clusterId, clusterId);
    await again.propose({ key: 'a', value: 1 });
  });

  test('a member of a cluster cannot form another one', async (t) => {
    const cluster = await startCluster(t, { ids: [1], learners: [2] });
    await assert.rejects(cluster.node(2).bootstrap(), AlreadyInitializedError);
    assert.equal(await cluster.node(2).bootstrapIfNeeded(), false);
    assert.equal(cluster.node(2).metrics().clusterId, cluster.node(1).metrics().clusterId);
  });

  test('one that takes too long says what was done', async (t) => {
    const gate = new Gate();
    let appends = 0;
    const cluster = await startCluster(t, {
      ids: [],
      spares: [1],
      adapt: ({ logStore, ...parts }) => {
        // The membership reaches the disk, the first entry of the leader does not.
        const append: LogStore['append'] = async (entries) => {
          appends += 1;
          if (appends === 2) await gate.opened;
          await logStore.append(entries);
        };
        return { ...parts, logStore: override(logStore, { append }) };
      },
    });
    const node = cluster.node(1);
    const error = await failureOf(node.bootstrap({ timeoutMs: 100 }));
    assert.ok(error instanceof TimeoutError);
    assert.match(error.message, /bootstrap .* the cluster is formed and this node goes on electing itself/);
    assert.equal(node.isInitialized(), true);
    gate.open();
    assert.equal(await node.propose({ key: 'a', value: 1 }), null);
  });
});

describe('leadership', () => {
  test('BUG-18 an isolated leader stops calling itself one within an election timeout', async (t) => {
    const config = { checkQuorum: false, electionTimeoutMinMs: 300, electionTimeoutMaxMs: 600 };
    const cluster = await startCluster(t, { ids: [1, 2, 3], config });
    const node = cluster.node(1);
    assert.equal(node.isLeader(), true);
    cluster.isolate(1);
    const startedMs = systemClock.nowMs();
    await node.wait().metrics(() => !node.isLeader(), 'the leader to know that it is alone');
    assert.ok(systemClock.nowMs() - startedMs < 600);
    assert.equal(node.metrics().state, 'leader', 'only the claim is given up: check-quorum is off');
    const next = await cluster.leader([2, 3]);
    assert.equal(node.isLeader() && next.isLeader(), false);
  });

  test('everybody knows the leader and where it is', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2], spares: [3] });
    for (const id of [1, 2]) {
      assert.deepEqual(cluster.node(id).leader(), { id: 1, address: addressOf(1) });
      assert.equal(cluster.node(id).leaderId(), 1);
    }
    assert.equal(cluster.node(3).leader(), null);
  });
});

describe('shutdown', () => {
  test('a leader hands over first, so that nobody waits for an election', async (t) => {
    const config = { electionTimeoutMinMs: 10_000, electionTimeoutMaxMs: 20_000, heartbeatIntervalMs: 100 };
    const cluster = await startCluster(t, { ids: [1, 2, 3], config });
    const node = cluster.node(1);
    const writes = Promise.all([1, 2, 3].map((value) => node.propose({ key: `k${value}`, value })));
    const events = collect(node.events());
    await node.shutdown();
    await writes;
    const next = await cluster.leader([2, 3]);
    assert.equal(await next.propose({ key: 'k1', value: 'next' }, { timeoutMs: 5000 }), 1);
    assert.equal((await events).at(-1)?.type, 'stopped');
  });

  test('a follower waits for the answers to what it forwarded', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2] });
    cluster.hub.delay({ minMs: 20, maxMs: 20 });
    const node = cluster.node(2);
    const writes = Promise.all([1, 2, 3].map((value) => node.propose({ key: `k${value}`, value })));
    await node.shutdown();
    assert.deepEqual(await writes, [null, null, null]);
  });

  test('takes no more calls, is safe to repeat, and is what the end of a scope does', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2] });
    const node = cluster.node(1);
    const first = node.shutdown();
    assert.equal(node.shutdown(), first);
    assert.equal(node.isLeader(), false);
    for (const call of [
      node.propose({ key: 'a', value: 1 }),
      node.read(() => 1, { consistency: 'stale' }),
      node.ensureLinearizable(),
      node.addVoter(3, addressOf(3)),
      node.removeMember(2),
      node.transferLeadership(),
      node.bootstrap(),
      node.bootstrapIfNeeded(),
    ]) {
      await assert.rejects(call, StoppedError);
    }
    await first;
    await node[Symbol.asyncDispose]();
    assert.equal(node.metrics().state, 'shutdown');
    assert.equal(node.leader(), null);
  });

  test('without anybody to hand over to it takes an election timeout at most', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3] });
    cluster.hang(2);
    cluster.hang(3);
    const startedMs = systemClock.nowMs();
    await cluster.node(1).shutdown();
    assert.ok(systemClock.nowMs() - startedMs < 2000);
  });

  test('the only voter finishes what it took', async (t) => {
    const cluster = await startCluster(t, { ids: [1] });
    const node = cluster.node(1);
    const writes = writeMany(node, 1);
    const proposals = Promise.all([1, 2, 3].map((value) => node.propose({ key: `k${value}`, value })));
    await node.shutdown();
    await writes;
    assert.deepEqual(await proposals, [null, null, null]);
  });
});
