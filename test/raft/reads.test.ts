/** Linearizable reads of the engine on whole nodes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry } from '../../src/core/entry.ts';
import { LeaseExpiredError, NotLeaderError, QuorumNotEnoughError, TimeoutError } from '../../src/errors.ts';
import { systemClock } from '../../src/system/system-ports.ts';
import { startCluster } from '../support/cluster.ts';
import { Gate } from '../support/gate.ts';
import { override } from '../support/override.ts';

describe('linearizable reads', () => {
  test('L-01 only a leader that a quorum confirms can serve them', async (t) => {
    const cluster = await startCluster(t, { ids: [1, 2, 3] });
    for (const id of cluster.ids) {
      cluster.node(id).raft.runtimeConfig().elect(false);
      cluster.node(id).raft.runtimeConfig().heartbeat(false);
    }
    const { raft } = cluster.node(1);
    const readLogId = await raft.ensureLinearizable();
    assert.deepEqual(readLogId, raft.metrics().committed);
    for (const id of [2, 3]) {
      const error = await cluster
        .node(id)
        .raft.ensureLinearizable()
        .catch((e: unknown) => e);
      assert.ok(error instanceof NotLeaderError);
      assert.equal(error.leaderId, 1);
    }
    cluster.isolate(2);
    await raft.ensureLinearizable();
    cluster.isolate(3);
    const error = await raft.ensureLinearizable().catch((e: unknown) => e);
    assert.ok(error instanceof QuorumNotEnoughError);
    assert.deepEqual([error.voters, error.confirmed], [[1, 2, 3], [1]]);
  });

  test('L-10 a read waits until what was acknowledged before it is applied here', async (t) => {
    const gate = new Gate();
    let isSlow = false;
    const order: string[] = [];
    const cluster = await startCluster(t, {
      ids: [1, 2, 3],
      adapt: (parts, id) => {
        const { stateMachine } = parts;
        const apply = async (entries: readonly Entry[]) => {
          if (id === 1 && isSlow) await gate.opened;
          return await stateMachine.apply(entries);
        };
        return { ...parts, stateMachine: override(stateMachine, { apply }) };
      },
    });
    const { raft } = cluster.node(1);
    isSlow = true;
    const writing = raft.clientWrite({ key: 'a', value: 1 });
    const { lastLogIndex } = await raft.wait().metrics((m) => m.committed.index >= 3, 'the write to be committed');
    const reading = raft.ensureLinearizable().then((readLogId) => {
      order.push('read');
      return { readLogId, value: cluster.value(1, 'a') };
    });
    // The round of this later read ends after that of the first: its position is known, and only that is.
    const { readLogId: position, applied } = await raft.getReadLogId();
    assert.deepEqual([position.index, applied.index], [lastLogIndex, lastLogIndex - 1]);
    order.push('gate opens');
    gate.open();
    const { readLogId, value } = await reading;
    assert.deepEqual(order, ['gate opens', 'read']);
    assert.deepEqual([readLogId.index, value], [lastLogIndex, 1]);
    await writing;
  });

  test('L-14 silent peers cost a heartbeat interval, not an RPC timeout', async (t) => {
    const cluster = await startCluster(t, {
      ids: [1, 2, 3],
      config: { heartbeatIntervalMs: 100, electionTimeoutMinMs: 2000, electionTimeoutMaxMs: 4000, rpcTimeoutMs: 5000 },
    });
    const { raft } = cluster.node(1);
    cluster.hang(2);
    cluster.hang(3);
    const startedMs = systemClock.nowMs();
    await assert.rejects(raft.ensureLinearizable(), QuorumNotEnoughError);
    const tookMs = systemClock.nowMs() - startedMs;
    assert.ok(tookMs >= 50 && tookMs < 1000, `took ${tookMs} ms`);
  });

  test('a read gives up at its deadline or with its signal', async (t) => {
    const cluster = await startCluster(t, {
      ids: [1, 2],
      config: { heartbeatIntervalMs: 1000, electionTimeoutMinMs: 4000, electionTimeoutMaxMs: 5000 },
    });
    const { raft } = cluster.node(1);
    cluster.hang(2);
    await assert.rejects(raft.ensureLinearizable({ timeoutMs: 20 }), TimeoutError);
    const abort = new AbortController();
    const reading = raft.ensureLinearizable({ signal: abort.signal });
    abort.abort(new Error('not needed any more'));
    await assert.rejects(reading, /not needed any more/);
    await assert.rejects(raft.ensureLinearizable({ signal: abort.signal }), /not needed any more/);
  });

  test('lease reads are off unless they are asked for, and need no round then', async (t) => {
    const plain = await startCluster(t, { ids: [1] });
    await assert.rejects(plain.node(1).raft.ensureLinearizable({ policy: 'lease' }), LeaseExpiredError);
    const cluster = await startCluster(t, { ids: [1, 2, 3], config: { leaseReads: true } });
    const { raft } = cluster.node(1);
    await raft.ensureLinearizable();
    cluster.isolate(2);
    cluster.isolate(3);
    await raft.ensureLinearizable({ policy: 'lease' });
    await raft.wait().metrics((m) => m.state !== 'leader', 'the leader to give up');
    await assert.rejects(raft.ensureLinearizable({ policy: 'lease' }), NotLeaderError);
  });
});
