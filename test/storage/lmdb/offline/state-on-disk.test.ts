import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NodeId } from '../../../../src/core/ids.ts';
import type { ConsensusNode } from '../../../../src/node/consensus-node.ts';
import { ConsensusNodeBuilder } from '../../../../src/node/consensus-node-builder.ts';
import { LmdbStateMachine, openDurableStorage } from '../../../../src/storage/lmdb/index.ts';
import { backupStorage } from '../../../../src/storage/lmdb/offline/backup-storage.ts';
import { inspectStorage } from '../../../../src/storage/lmdb/offline/inspect-storage.ts';
import { restoreBackup } from '../../../../src/storage/lmdb/offline/restore-backup.ts';
import { verifyStorage } from '../../../../src/storage/lmdb/offline/verify-storage.ts';
import type { Put } from './durable-cluster.ts';
import { addressOf, compact, contentOf, Ground, write } from './durable-cluster.ts';

interface DiskNode {
  readonly node: ConsensusNode<Put, number>;
  readonly valueAt: (key: string) => number | undefined;
}

async function start(ground: Ground, id: NodeId, directory: string): Promise<DiskNode> {
  const { logStore, snapshotStore, stateDirectory } = await openDurableStorage({ directory });
  const stateMachine = new LmdbStateMachine<Put, number>({
    directory: stateDirectory,
    apply: (transaction, { key, value }) => {
      transaction.table<string, number>('values').put(key, value);
      return value;
    },
  });
  const node = await new ConsensusNodeBuilder<Put, number>(id, addressOf(id))
    .withConfig({ clusterName: 'test', heartbeatIntervalMs: 50, electionTimeoutMinMs: 300, electionTimeoutMaxMs: 600 })
    .withSnapshotStore(snapshotStore)
    .buildWith(logStore, stateMachine, ground.hub.network(addressOf(id)));
  ground.own(node);
  return { node, valueAt: (key) => stateMachine.read((view) => view.table<string, number>('values').get(key)) };
}

describe('a state that is kept on the disk', () => {
  test('is inspected and verified with the rest, and comes back from a backup', async (t) => {
    const ground = await Ground.prepare(t);
    const [directory, file, restored] = [ground.directory(1), ground.at('backup'), ground.at('restored')];
    const first = await start(ground, 1, directory);
    await first.node.bootstrap();
    await write(first.node, 10);
    await compact(first.node);
    await write(first.node, 12);
    await first.node.shutdown();
    const content = await contentOf(directory);
    const { stateApplied, log } = await inspectStorage({ directory });
    assert.deepEqual(stateApplied, log.lastLogId);
    const report = await verifyStorage({ directory });
    assert.deepEqual([report.findings, report.stateRowCount], [[], 1]);
    assert.deepEqual(await contentOf(directory), content);

    await backupStorage({ directory, file });
    await restoreBackup({ file, directory: restored, nodeId: 7, address: addressOf(7) });
    const { node, valueAt } = await start(ground, 7, restored);
    await node.wait(5000).state('leader');
    assert.equal(valueAt('k'), 12);
    const second = await start(ground, 1, ground.at('new'));
    await node.addVoter(1, addressOf(1));
    await write(node, 13);
    await second.node.wait(5000).appliedIndexAtLeast(node.metrics().lastLogIndex);
    assert.equal(second.valueAt('k'), 13);
  });

  test('covers what was purged, when no snapshot does', async (t) => {
    const ground = await Ground.prepare(t);
    const directory = ground.directory(1);
    const { node } = await start(ground, 1, directory);
    await node.bootstrap();
    await write(node, 10);
    await compact(node);
    await node.shutdown();
    await ground.removeSnapshots(directory);
    assert.deepEqual((await verifyStorage({ directory })).findings, []);
    await assert.rejects(backupStorage({ directory, file: ground.at('backup') }), /no sound snapshot .*trigger/);
  });
});
