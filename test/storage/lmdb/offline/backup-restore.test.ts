import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { CorruptionError, IdentityError, PeerRefusedError, StorageError } from '../../../../src/errors.ts';
import { backupStorage } from '../../../../src/storage/lmdb/offline/backup-storage.ts';
import { inspectBackup } from '../../../../src/storage/lmdb/offline/inspect-backup.ts';
import { inspectStorage } from '../../../../src/storage/lmdb/offline/inspect-storage.ts';
import { restoreBackup } from '../../../../src/storage/lmdb/offline/restore-backup.ts';
import { verifyStorage } from '../../../../src/storage/lmdb/offline/verify-storage.ts';
import { addressOf, compact, contentOf, Ground, write } from './durable-cluster.ts';

/** For a new cluster on the ground of the old one. */
const NEW = { nodeId: 1, address: addressOf(1) };

describe('backupStorage and restoreBackup', () => {
  test('bring back snapshot and entries, with the memberships in the tail taken out', async (t) => {
    const ground = await Ground.prepare(t);
    const first = await ground.single(30);
    await write(first.node, 12, 'in the snapshot');
    await compact(first.node);
    await ground.start(2);
    await first.node.addVoter(2, addressOf(2));
    await write(first.node, 20);
    const { lastLogIndex, clusterId, instanceId } = first.node.metrics();
    await ground.stop(first);
    const [directory, file] = [ground.directory(1), ground.at('backup')];
    const { header, sizeBytes } = await backupStorage({ directory, file });
    assert.equal(header.lastLogId.index, lastLogIndex);
    const content = await inspectBackup({ file });
    assert.deepEqual([content.header, content.sizeBytes], [header, sizeBytes]);
    assert.deepEqual(content.membership.membership.configs, [[1, 2]]);

    const restored = ground.at('restored');
    const report = await restoreBackup({ file, directory: restored, ...NEW });
    assert.ok(report.blankedIndexes.length >= 2, String(report.blankedIndexes));
    assert.notEqual(report.identity.clusterId, clusterId);
    assert.notEqual(report.identity.instanceId, instanceId);
    assert.deepEqual((await verifyStorage({ directory: restored })).findings, []);
    const all = { fromIndex: 1, limit: 1000 };
    const after = await inspectStorage({ directory: restored, ...all });
    const before = await inspectStorage({ directory, ...all });
    for (const [i, entry] of before.entries.entries()) {
      const isMembership = entry.kind === 'membership';
      const { logId, kind, payload } = after.entries[i] ?? {};
      assert.deepEqual([logId, kind], [entry.logId, isMembership ? 'blank' : entry.kind]);
      if (!isMembership) assert.deepEqual(payload, entry.payload);
    }
    assert.deepEqual(after.entries.at(-1)?.membership, after.membership.committed.membership);
    assert.equal(after.hardState.term, after.log.lastLogId.term);

    const { node, state } = await ground.start(1, { directory: restored });
    await node.wait(5000).state('leader');
    assert.deepEqual([state().get('k'), state().get('in the snapshot')], [20, 12]);
    await node.propose({ key: 'new', value: 1 });
  });

  test('a restored cluster refuses the old nodes and takes new ones, by snapshot too', async (t) => {
    const ground = await Ground.prepare(t);
    const all = await ground.three();
    await write(all[0].node, 30);
    await compact(all[0].node);
    await write(all[0].node, 10);
    const [directory, file] = [ground.directory(1), ground.at('backup')];
    for (const running of all) await ground.stop(running);
    await backupStorage({ directory, file });
    await restoreBackup({ file, directory: ground.at('restored'), ...NEW });
    const { node } = await ground.start(1, { directory: ground.at('restored') });
    await node.wait(5000).state('leader');

    const old = await ground.start(2);
    await assert.rejects(node.addVoter(2, addressOf(2)), (error) => {
      return error instanceof PeerRefusedError && error.reason === 'cluster';
    });
    await ground.stop(old);
    // The ids of lost nodes, with new stores: the first bytes they get are those of the old cluster's snapshot.
    const second = await ground.start(2, { directory: ground.at('new-2') });
    const third = await ground.start(3, { directory: ground.at('new-3') });
    await node.addVoter(2, addressOf(2));
    await node.addVoter(3, addressOf(3));
    await write(node, 5);
    const { lastLogIndex } = node.metrics();
    for (const running of [second, third]) {
      await running.node.wait(5000).appliedIndexAtLeast(lastLogIndex);
      assert.equal(running.state().get('k'), 5);
    }
    await node.transferLeadership(2);
    await write(second.node, 6);
  });

  test('a running node under load is backed up as it was at one moment', async (t) => {
    const ground = await Ground.prepare(t);
    const config = { snapshotLogsSinceLast: 60, maxInSnapshotLogToKeep: 10 };
    const { node } = await ground.single(10, { config });
    const load = new AbortController();
    let value = 10;
    const writing = (async () => {
      while (!load.signal.aborted) {
        value += 1;
        await node.propose({ key: 'k', value });
      }
    })();
    const acknowledged: number[] = [];
    for (let i = 0; i < 12; i++) {
      acknowledged.push(value - 1);
      await node.wait(5000).appliedIndexAtLeast(node.metrics().lastApplied.index + 25);
      await backupStorage({ directory: ground.directory(1), file: ground.at(`backup-${i}`) });
    }
    load.abort();
    await writing;
    await node.raft.shutdown();
    for (const [i, atLeast] of acknowledged.entries()) {
      const directory = ground.at(`restored-${i}`);
      await restoreBackup({ file: ground.at(`backup-${i}`), directory, ...NEW });
      assert.deepEqual((await verifyStorage({ directory })).findings, []);
      const restored = await ground.start(1, { directory });
      assert.ok((restored.state().get('k') ?? 0) >= atLeast, `backup ${i}: ${restored.state().get('k')}, ${atLeast}`);
      await ground.stop(restored);
    }
  });

  test('a damaged newest snapshot is passed over when the log reaches back to the one before', async (t) => {
    const ground = await Ground.prepare(t);
    const config = { maxInSnapshotLogToKeep: 1000 };
    const running = await ground.single(20, { config });
    await running.node.raft.trigger().snapshot();
    await write(running.node, 25);
    await running.node.raft.trigger().snapshot();
    await write(running.node, 27);
    await ground.stop(running);
    const directory = ground.directory(1);
    await flipByteOfNewestSnapshot(directory);
    const { header } = await backupStorage({ directory, file: ground.at('backup') });
    assert.equal(header.snapshot?.meta.lastLogId.index, 22);
    await restoreBackup({ file: ground.at('backup'), directory: ground.at('restored'), ...NEW });
    const restored = await ground.start(1, { directory: ground.at('restored') });
    assert.equal(restored.state().get('k'), 27);
    assert.deepEqual(
      (await readdir(ground.path)).filter((name) => name.includes('partial')),
      [],
    );
  });

  test('refuses to back up what no sound snapshot covers', async (t) => {
    const ground = await Ground.prepare(t);
    const running = await ground.single(20);
    await compact(running.node);
    await write(running.node, 5);
    await ground.stop(running);
    const directory = ground.directory(1);
    await flipByteOfNewestSnapshot(directory);
    await assert.rejects(backupStorage({ directory, file: ground.at('backup') }), (error) => {
      return error instanceof CorruptionError && /no sound snapshot .* covers entries 1 to 22/.test(error.message);
    });
    assert.deepEqual(await readdir(ground.path), ['node-1']);
  });

  test('every damage to a backup is refused, and leaves no directory behind', async (t) => {
    const ground = await Ground.prepare(t);
    const running = await ground.single(20);
    await compact(running.node);
    await write(running.node, 20);
    await ground.stop(running);
    const [directory, file, damaged] = [ground.directory(1), ground.at('backup'), ground.at('damaged')];
    await backupStorage({ directory, file });
    const bytes = await readFile(file);
    const step = Math.ceil(bytes.byteLength / 60);
    for (let at = 0; at < bytes.byteLength; at += step) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      await writeFile(damaged, changed);
      await assert.rejects(inspectBackup({ file: damaged }), isRefusal, `byte ${at}`);
      await writeFile(damaged, bytes.subarray(0, at));
      await assert.rejects(inspectBackup({ file: damaged }), isRefusal, `cut at ${at}`);
    }
    await writeFile(damaged, Buffer.concat([bytes, Buffer.from([0])]));
    await assert.rejects(inspectBackup({ file: damaged }), isRefusal);
    await writeFile(damaged, bytes.subarray(0, -30));
    await assert.rejects(restoreBackup({ file: damaged, directory: ground.at('restored'), ...NEW }), isRefusal);
    assert.deepEqual((await readdir(ground.path)).sort(), ['backup', 'damaged', 'node-1']);
  });

  test('dry runs write nothing and say what would be written', async (t) => {
    const ground = await Ground.prepare(t);
    const running = await ground.single(20);
    await compact(running.node);
    await write(running.node, 3);
    await ground.stop(running);
    const [directory, file] = [ground.directory(1), ground.at('backup')];
    const before = await contentOf(directory);
    const planned = await backupStorage({ directory, file, isDryRun: true });
    const made = await backupStorage({ directory, file });
    assert.deepEqual({ ...planned.header, createdMs: 0 }, { ...made.header, createdMs: 0 });
    assert.ok(Math.abs(planned.sizeBytes - made.sizeBytes) < 1024, `${planned.sizeBytes}, ${made.sizeBytes}`);
    assert.deepEqual(await contentOf(directory), before);
    const restored = ground.at('restored');
    const dry = await restoreBackup({ file, directory: restored, ...NEW, isDryRun: true });
    assert.equal(dry.lastLogId.index, made.header.lastLogId.index + 1);
    assert.deepEqual((await readdir(ground.path)).sort(), ['backup', 'node-1']);
  });

  test('nothing that exists is overwritten', async (t) => {
    const ground = await Ground.prepare(t);
    await ground.stop(await ground.single(5));
    const [directory, file] = [ground.directory(1), ground.at('backup')];
    await backupStorage({ directory, file });
    await assert.rejects(backupStorage({ directory, file }), (error) => {
      return error instanceof StorageError && /exists already/.test(error.message);
    });
    await assert.rejects(backupStorage({ directory, file: ground.at('no/such/place') }), StorageError);
    await assert.rejects(restoreBackup({ file, directory, ...NEW }), (error) => {
      return error instanceof StorageError && /not empty/.test(error.message);
    });
    await assert.rejects(restoreBackup({ file: directory, directory: ground.at('x'), ...NEW }), StorageError);
    await assert.rejects(restoreBackup({ file, directory: ground.at('x'), nodeId: 0, address: 'a:1' }), RangeError);
    await assert.rejects(restoreBackup({ file, directory: ground.at('x'), nodeId: 1, address: ' ' }), TypeError);
  });

  test('an aborted call ends with the reason and leaves nothing behind', async (t) => {
    const ground = await Ground.prepare(t);
    const running = await ground.single(20);
    await compact(running.node);
    await ground.stop(running);
    const [directory, file] = [ground.directory(1), ground.at('backup')];
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await assert.rejects(backupStorage({ directory, file, signal }), reason);
    assert.deepEqual(await readdir(ground.path), ['node-1']);
    await backupStorage({ directory, file });
    await assert.rejects(restoreBackup({ file, directory: ground.at('restored'), ...NEW, signal }), reason);
    assert.deepEqual((await readdir(ground.path)).sort(), ['backup', 'node-1']);
  });

  test('a node that never committed anything has nothing to back up, and its name has to fit', async (t) => {
    const ground = await Ground.prepare(t);
    await ground.stop(await ground.start(1));
    await assert.rejects(backupStorage({ directory: ground.directory(1), file: ground.at('backup') }), StorageError);
    await ground.stop(await ground.single(3, { directory: ground.at('other') }));
    await backupStorage({ directory: ground.at('other'), file: ground.at('backup') });
    const directory = ground.at('restored');
    await restoreBackup({ file: ground.at('backup'), directory, ...NEW, clusterName: 'renamed' });
    await assert.rejects(ground.start(1, { directory }), IdentityError);
    const { node } = await ground.start(1, { directory, config: { clusterName: 'renamed' } });
    await node.wait(5000).state('leader');
  });
});

function isRefusal(error: unknown): boolean {
  return error instanceof CorruptionError || error instanceof StorageError;
}

async function flipByteOfNewestSnapshot(directory: string): Promise<void> {
  const names = (await readdir(`${directory}/snapshots`)).filter((name) => name.endsWith('.snapshot')).sort();
  const path = `${directory}/snapshots/${names.at(-1)}`;
  const bytes = await readFile(path);
  const at = bytes.byteLength - 30;
  bytes[at] = (bytes[at] ?? 0) ^ 4;
  await writeFile(path, bytes);
}
