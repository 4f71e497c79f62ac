import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { IdentityError, MembershipError, PeerRefusedError, StorageError } from '../../../../src/errors.ts';
import { inspectStorage } from '../../../../src/storage/lmdb/offline/inspect-storage.ts';
import { recoverQuorum } from '../../../../src/storage/lmdb/offline/recover-quorum.ts';
import { verifyStorage } from '../../../../src/storage/lmdb/offline/verify-storage.ts';
import { addressOf, compact, contentOf, Ground, write } from './durable-cluster.ts';

describe('recoverQuorum', () => {
  test('keeps every entry of the survivor, which serves alone and shuts the old members out', async (t) => {
    const ground = await Ground.prepare(t);
    const [first, second, third] = await ground.three();
    await write(first.node, 100);
    const { lastLogIndex, clusterId } = first.node.metrics();
    await third.node.wait(5000).appliedIndexAtLeast(lastLogIndex);
    for (const running of [first, second, third]) await ground.stop(running);
    const before = await inspectStorage({ directory: ground.directory(3), fromIndex: 1, limit: 1000 });

    const { plan, isDone } = await recoverQuorum({ directory: ground.directory(3), nodeId: 3 });
    assert.equal(isDone, true);
    assert.deepEqual(plan.lostMembers, [1, 2]);
    assert.notEqual(plan.after.identity.clusterId, clusterId);
    assert.equal(plan.after.hardState.term, plan.before.hardState.term + 1);

    const after = await inspectStorage({ directory: ground.directory(3), fromIndex: 1, limit: 1000 });
    assert.deepEqual(after.entries.slice(0, -1), before.entries);
    assert.deepEqual(after.log.lastLogId, plan.after.lastLogId);
    assert.deepEqual(after.membership.committed, after.membership.effective);
    assert.equal(after.recovery?.clusterId, clusterId);
    assert.deepEqual((await verifyStorage({ directory: ground.directory(3) })).findings, []);

    const survivor = await ground.start(3);
    await survivor.node.wait(5000).state('leader');
    assert.equal(survivor.state().get('k'), 100);
    await survivor.node.propose({ key: 'after', value: 1 });
    assert.deepEqual(survivor.node.voterIds(), [3]);
    assert.equal(survivor.node.metrics().clusterId, plan.after.identity.clusterId);

    // The lost ones come back with their data: a majority of the old cluster, and none of the new one.
    const revived = await ground.start(1);
    await ground.start(2);
    await revived.node.wait(5000).metrics((m) => m.currentLeader !== null, 'a leader of the old cluster');
    await assert.rejects(survivor.node.addVoter(1, addressOf(1)), (error) => {
      return error instanceof PeerRefusedError && error.reason === 'cluster';
    });
    await survivor.node.propose({ key: 'after', value: 2 });
    assert.equal(revived.state().get('after'), undefined);
  });

  test('the recovered node takes new members, from its log and from its snapshot', async (t) => {
    const ground = await Ground.prepare(t);
    const all = await ground.three({ config: { maxInSnapshotLogToKeep: 0 } });
    await write(all[0].node, 40);
    await compact(all[0].node);
    await write(all[0].node, 5);
    for (const running of all) await ground.stop(running);
    await recoverQuorum({ directory: ground.directory(1), nodeId: 1 });
    const { node } = await ground.start(1);
    await node.wait(5000).state('leader');
    const fourth = await ground.start(4);
    const fifth = await ground.start(5);
    await node.addVoter(4, addressOf(4));
    await node.addVoter(5, addressOf(5));
    await write(node, 7);
    const { lastLogIndex } = node.metrics();
    for (const running of [fourth, fifth]) {
      await running.node.wait(5000).appliedIndexAtLeast(lastLogIndex);
      assert.equal(running.state().get('k'), 7);
    }
    assert.deepEqual(node.voterIds(), [1, 4, 5]);
  });

  test('entries that were never committed become committed, and the plan says which', async (t) => {
    const ground = await Ground.prepare(t);
    const [first, second, third] = await ground.three();
    await write(first.node, 10);
    await Promise.all([ground.stop(second), ground.stop(third)]);
    const { lastLogIndex } = first.node.metrics();
    const proposal = first.node.propose({ key: 'lonely', value: 1 }, { timeoutMs: 300 }).catch(() => null);
    await first.node.wait(5000).metrics((m) => m.lastLogIndex > lastLogIndex, 'the entry');
    await proposal;
    await ground.stop(first);
    const { plan } = await recoverQuorum({ directory: ground.directory(1), nodeId: 1 });
    assert.equal(plan.resurrected?.toIndex, plan.before.lastLogId.index + 1);
    assert.ok((plan.resurrected?.fromIndex ?? Number.NaN) <= lastLogIndex + 1);
    const survivor = await ground.start(1);
    assert.equal(survivor.state().get('lonely'), 1);
  });

  test('a dry run, and a plan that is not confirmed, change nothing', async (t) => {
    const ground = await Ground.prepare(t);
    const all = await ground.three();
    await write(all[0].node, 10);
    for (const running of all) await ground.stop(running);
    const directory = ground.directory(2);
    const before = await contentOf(directory);
    const dry = await recoverQuorum({ directory, nodeId: 2, isDryRun: true });
    assert.deepEqual([dry.isDone, dry.plan.after.lastLogId.index], [false, dry.plan.before.lastLogId.index + 1]);
    const asked: unknown[] = [];
    const declined = await recoverQuorum({
      directory,
      nodeId: 2,
      confirm: (plan) => {
        asked.push(plan);
        return false;
      },
    });
    assert.equal(declined.isDone, false);
    assert.deepEqual(asked, [declined.plan]);
    assert.deepEqual(await contentOf(directory), before);
  });

  test('refuses a running node, another node, and a node that needs no recovery', async (t) => {
    const ground = await Ground.prepare(t);
    const [first, second, third] = await ground.three();
    const directory = ground.directory(1);
    await assert.rejects(recoverQuorum({ directory, nodeId: 1 }), (error) => {
      return error instanceof StorageError && /in use/.test(error.message);
    });
    for (const running of [first, second, third]) await ground.stop(running);
    await assert.rejects(recoverQuorum({ directory, nodeId: 2 }), IdentityError);
    await recoverQuorum({ directory, nodeId: 1, address: 'elsewhere:1' });
    await assert.rejects(recoverQuorum({ directory, nodeId: 1 }), (error) => {
      return error instanceof MembershipError && /only voter/.test(error.message);
    });
    const { membership } = await inspectStorage({ directory });
    assert.equal(membership.effective.membership.nodes.get(1)?.addr, 'elsewhere:1');
    await assert.rejects(recoverQuorum({ directory: ground.at('nowhere'), nodeId: 1 }), StorageError);
  });

  test('refuses a node that belongs to no cluster', async (t) => {
    const ground = await Ground.prepare(t);
    await ground.stop(await ground.start(1));
    await assert.rejects(recoverQuorum({ directory: ground.directory(1), nodeId: 1 }), MembershipError);
  });

  test('an aborted recovery changes nothing', async (t) => {
    const ground = await Ground.prepare(t);
    const all = await ground.three();
    for (const running of all) await ground.stop(running);
    const directory = ground.directory(1);
    const before = await contentOf(directory);
    const reason = new Error('enough');
    await assert.rejects(recoverQuorum({ directory, nodeId: 1, signal: AbortSignal.abort(reason) }), reason);
    assert.deepEqual(await contentOf(directory), before);
  });
});
