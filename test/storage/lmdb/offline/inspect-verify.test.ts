import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { encodeEntries } from '../../../../src/codec/record.ts';
import { encodeHardState, encodeLogPosition } from '../../../../src/codec/store-bytes.ts';
import { blankEntry } from '../../../../src/core/entry.ts';
import { logId } from '../../../../src/core/ids.ts';
import { StorageError } from '../../../../src/errors.ts';
import type { LogDatabaseChange } from '../../../../src/ports/log-database.ts';
import { LmdbLogDatabase } from '../../../../src/storage/lmdb/lmdb-log-database.ts';
import { inspectStorage } from '../../../../src/storage/lmdb/offline/inspect-storage.ts';
import { recoverQuorum } from '../../../../src/storage/lmdb/offline/recover-quorum.ts';
import type { VerifyReport } from '../../../../src/storage/lmdb/offline/verify-storage.ts';
import { verifyStorage } from '../../../../src/storage/lmdb/offline/verify-storage.ts';
import { addressOf, compact, contentOf, Ground, write } from './durable-cluster.ts';

/** A node that comes to rest notes what is committed: nothing is written after that. */
async function untilNoted(directory: string, index: number): Promise<void> {
  while ((await inspectStorage({ directory })).log.savedCommitted.index < index);
}

describe('inspectStorage', () => {
  test('shows a running node, says that it runs, and changes nothing', async (t) => {
    const ground = await Ground.prepare(t);
    const directory = ground.directory(1);
    const running = await ground.single(30);
    await compact(running.node);
    await write(running.node, 20);
    const { clusterId, instanceId, lastLogIndex, currentTerm } = running.node.metrics();
    await untilNoted(directory, lastLogIndex);
    const before = await contentOf(directory);
    const report = await inspectStorage({ directory });
    assert.deepEqual(await contentOf(directory), before);
    assert.equal(report.isInUse, true);
    assert.deepEqual(report.identity, { nodeId: 1, instanceId, clusterId, clusterName: 'test' });
    assert.deepEqual(report.hardState, { term: currentTerm, votedFor: 1 });
    assert.deepEqual([report.log.firstIndex, report.log.lastLogId], [33, logId(currentTerm, lastLogIndex)]);
    // The only voter: all of its log is committed, also what was not noted as such.
    assert.deepEqual(report.log.committed, report.log.lastLogId);
    assert.deepEqual(
      report.snapshots.map(({ snapshot }) => snapshot.meta.lastLogId.index),
      [32],
    );
    assert.deepEqual(report.membership.effective.membership.configs, [[1]]);
    assert.deepEqual(
      report.entries.map((entry) => entry.logId.index),
      Array.from({ length: 10 }, (_, i) => lastLogIndex - 9 + i),
    );
    assert.deepEqual(report.findings, []);
    await ground.stop(running);
    assert.equal((await inspectStorage({ directory })).isInUse, false);
  });

  test('shows the entries of a range', async (t) => {
    const ground = await Ground.prepare(t);
    const directory = ground.directory(1);
    await ground.stop(await ground.single(30));
    const indexesOf = async (range: object): Promise<readonly number[]> =>
      (await inspectStorage({ directory, ...range })).entries.map((entry) => entry.logId.index);
    assert.deepEqual(await indexesOf({ fromIndex: 3, limit: 3 }), [3, 4, 5]);
    assert.deepEqual(await indexesOf({ toIndex: 6, limit: 3 }), [3, 4, 5]);
    assert.deepEqual(await indexesOf({ fromIndex: 3, toIndex: 5 }), [3, 4]);
    assert.deepEqual(await indexesOf({ fromIndex: 31 }), [31, 32]);
    assert.deepEqual(await indexesOf({ fromIndex: 33 }), []);
    assert.deepEqual(await indexesOf({ limit: 0 }), []);
  });

  test('tells the committed membership from one that is not known to be committed', async (t) => {
    const ground = await Ground.prepare(t);
    const [first, ...others] = await ground.three();
    await write(first.node, 40);
    for (const running of others) await ground.stop(running);
    const { lastLogIndex } = first.node.metrics();
    const change = first.node.addVoter(1, addressOf(1)).catch(() => null);
    const removal = first.node.removeMember(3, { timeoutMs: 500 }).catch(() => null);
    await Promise.all([change, removal]);
    await ground.stop(first);
    const { membership, log } = await inspectStorage({ directory: ground.directory(1) });
    assert.deepEqual(membership.committed.membership.configs, [[1, 2, 3]]);
    assert.ok(log.committed.index <= lastLogIndex);
    assert.ok(membership.effective.logId.index > lastLogIndex);
    assert.equal(membership.effective.membership.configs.length, 2);
  });

  test('refuses what is no data directory, and says what to name', async (t) => {
    const ground = await Ground.prepare(t);
    await ground.stop(await ground.single(1));
    const refuses = (directory: string, message: RegExp) =>
      assert.rejects(
        inspectStorage({ directory }),
        (error) => error instanceof StorageError && message.test(error.message),
      );
    await refuses(ground.at('nowhere'), /does not exist/);
    await refuses(ground.path, /has no log in it/);
    await refuses(join(ground.directory(1), 'log'), /name the data directory it is in/);
  });
});

/** A stopped node with a snapshot up to 12, and entries from there to 32 in groups of one. */
async function prepareStopped(ground: Ground): Promise<string> {
  const running = await ground.single(10);
  await compact(running.node);
  await write(running.node, 20);
  await ground.stop(running);
  return ground.directory(1);
}

async function change(directory: string, changes: readonly LogDatabaseChange[]): Promise<void> {
  const database = new LmdbLogDatabase({ directory: join(directory, 'log') });
  await database.open();
  await database.write(changes);
  await database.close();
}

function damageOf({ findings }: VerifyReport): readonly (readonly [number | null, string])[] {
  return findings.filter(({ severity }) => severity === 'damage').map(({ index, problem }) => [index, problem]);
}

describe('verifyStorage', () => {
  test('finds nothing on a sound directory, also while a node writes to it', async (t) => {
    const ground = await Ground.prepare(t);
    const config = { snapshotLogsSinceLast: 40, maxInSnapshotLogToKeep: 5 };
    const { node } = await ground.single(10, { config });
    const writing = write(node, 300);
    let runs = 0;
    const isOver = writing.then(() => true);
    while (!(await Promise.race([isOver, Promise.resolve(false)]))) {
      const report = await verifyStorage({ directory: ground.directory(1) });
      assert.deepEqual([damageOf(report), report.isInUse], [[], true]);
      runs += 1;
    }
    assert.ok(runs > 1);
  });

  test('finds a flipped bit in a record of the log, and reads on behind it', async (t) => {
    const ground = await Ground.prepare(t);
    const directory = await prepareStopped(ground);
    const path = join(directory, 'log', 'data.mdb');
    const { entries } = await inspectStorage({ directory, fromIndex: 20, limit: 1 });
    const { payload = new Uint8Array(), timeMs = 0 } = entries[0] ?? {};
    const bytes = await readFile(path);
    const record = Buffer.from(encodeEntries([{ ...blankEntry(logId(1, 20), timeMs), kind: 'normal', payload }]));
    const at = bytes.indexOf(record);
    assert.ok(at > 0);
    // Pages that are not in use any more may hold the record too.
    for (let place = at; place > 0; place = bytes.indexOf(record, place + 1)) bytes[place + 38] = 0xff;
    await writeFile(path, bytes);
    const report = await verifyStorage({ directory });
    const [[index, problem] = [], ...others] = damageOf(report);
    assert.deepEqual([index, others, report.isSound, report.entryCount], [20, [], false, 19]);
    assert.match(problem ?? '', /checksum/);
    assert.equal(report.findings[0]?.file, join(directory, 'log'));
    const inspected = await inspectStorage({ directory, fromIndex: 19, limit: 3 });
    assert.deepEqual(
      inspected.entries.map((entry) => entry.logId.index),
      [19, 21],
    );
    assert.equal(inspected.findings.length, 1);
    await assert.rejects(recoverQuorum({ directory, nodeId: 1 }));
  });

  test('finds groups that are missing, cut, or stored twice', async (t) => {
    const ground = await Ground.prepare(t);
    const directory = await prepareStopped(ground);
    const [fifteen, sixteen, twenty] = [15, 16, 20].map((index) => blankEntry(logId(1, index), 0));
    assert.ok(fifteen !== undefined && sixteen !== undefined && twenty !== undefined);
    await change(directory, [
      { type: 'remove-group', firstIndex: 17 },
      { type: 'remove-group', firstIndex: 18 },
      { type: 'replace-group', firstIndex: 15, bytes: encodeEntries([fifteen, sixteen]) },
      { type: 'replace-group', firstIndex: 20, bytes: encodeEntries([twenty]).subarray(0, 30) },
      { type: 'replace-group', firstIndex: 22, bytes: new Uint8Array(0) },
      { type: 'replace-group', firstIndex: 24, bytes: encodeEntries([twenty]) },
    ]);
    assert.deepEqual(damageOf(await verifyStorage({ directory })), [
      [16, 'the entry is stored twice'],
      [17, 'missing: entries 17 to 18'],
      [20, 'damaged log record: at byte 0: a header has 36 bytes, but only 30 are left; lost: entry 20'],
      [22, 'the group is empty; lost: entry 22'],
      [24, 'at byte 0 of its group: the record there says it is entry 20; lost: entry 24'],
    ]);
  });

  test('finds terms that decrease, and a term that the hard state does not know', async (t) => {
    const ground = await Ground.prepare(t);
    const directory = await prepareStopped(ground);
    const replace = (term: number, index: number): LogDatabaseChange => {
      return { type: 'replace-group', firstIndex: index, bytes: encodeEntries([blankEntry(logId(term, index), 0)]) };
    };
    await change(directory, [replace(9, 31), replace(8, 32)]);
    assert.deepEqual(damageOf(await verifyStorage({ directory })), [
      [32, 'term 8 after term 9'],
      [32, 'the entry is of term 8, but the hard state of term 1'],
    ]);
  });

  test('finds a damaged snapshot, and that nothing else covers what was purged', async (t) => {
    const ground = await Ground.prepare(t);
    const directory = await prepareStopped(ground);
    const [name = ''] = await readdir(join(directory, 'snapshots'));
    const path = join(directory, 'snapshots', name);
    const bytes = await readFile(path);
    const at = bytes.byteLength - 30;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const report = await verifyStorage({ directory });
    const [[, snapshot = ''] = [], [index, hole = ''] = []] = report.findings.map((f) => [f.index, f.problem] as const);
    assert.deepEqual([damageOf(report).length, index, report.snapshotCount], [2, 1, 0]);
    const text = `${snapshot} ${hole}`;
    assert.match(text, /missing: entries 1 to 12: purged, but in no sound snapshot/);
    assert.match(text, /checksum of the block/);
  });

  test('finds that the snapshots are gone', async (t) => {
    const ground = await Ground.prepare(t);
    const directory = await prepareStopped(ground);
    await ground.removeSnapshots(directory);
    const report = await verifyStorage({ directory });
    assert.deepEqual(damageOf(report), [[1, 'missing: entries 1 to 12: purged, but in no sound snapshot']]);
  });

  test('finds records that are damaged or missing', async (t) => {
    const ground = await Ground.prepare(t);
    const directory = await prepareStopped(ground);
    const bytes = encodeHardState({ term: 1, votedFor: 1 });
    bytes[7] = (bytes[7] ?? 0) ^ 1;
    await change(directory, [
      { type: 'put-record', name: 'hard-state', bytes },
      { type: 'put-record', name: 'identity', bytes: encodeLogPosition(logId(1, 1)) },
    ]);
    const problems = damageOf(await verifyStorage({ directory })).map(([, problem]) => problem);
    assert.match(problems.join('\n'), /record 'identity'.*\n.*record 'hard-state'.*checksum/);
  });

  test('finds a database file that is cut or no database', async (t) => {
    const ground = await Ground.prepare(t);
    const directory = await prepareStopped(ground);
    const path = join(directory, 'log', 'data.mdb');
    const bytes = await readFile(path);
    for (const damaged of [bytes.subarray(0, 9000), Buffer.alloc(bytes.byteLength, 7)]) {
      await writeFile(path, damaged);
      const report = await verifyStorage({ directory });
      assert.deepEqual([report.isSound, report.findings.length], [false, 1]);
    }
  });

  test('notes what is not damage: an unfinished snapshot, one that was set aside, a superseded log', async (t) => {
    const ground = await Ground.prepare(t);
    const directory = await prepareStopped(ground);
    const snapshots = join(directory, 'snapshots');
    const [name = ''] = await readdir(snapshots);
    await writeFile(join(snapshots, '0000000000000008.unfinished'), 'x');
    await writeFile(join(snapshots, '0000000000000007.snapshot.damaged'), 'x');
    await change(directory, [
      ...Array.from({ length: 20 }, (_, i): LogDatabaseChange => ({ type: 'remove-group', firstIndex: 13 + i })),
      { type: 'put-record', name: 'purged', bytes: encodeLogPosition(logId(1, 11)) },
    ]);
    const report = await verifyStorage({ directory });
    assert.equal(report.isSound, true);
    assert.deepEqual(
      report.findings.map(({ severity }) => severity),
      Array(4).fill('note'),
    );
    assert.equal(name, '0000000000000001.snapshot');
  });

  test('tells how far it is, and ends when it is aborted', async (t) => {
    const ground = await Ground.prepare(t);
    const directory = await prepareStopped(ground);
    const steps: string[] = [];
    await verifyStorage({
      directory,
      onProgress: ({ step, done, total }) => void steps.push(`${step} ${done === total}`),
    });
    assert.deepEqual(steps, ['log true', 'snapshot true']);
    const reason = new Error('enough');
    await assert.rejects(verifyStorage({ directory, signal: AbortSignal.abort(reason) }), reason);
  });
});

describe('recoverQuorum of a node that was killed while it installed a snapshot', () => {
  test('goes on from the snapshot, as a start would', async (t) => {
    const ground = await Ground.prepare(t);
    const [first, second, third] = await ground.three();
    await ground.stop(third);
    await write(first.node, 20);
    await compact(first.node);
    for (const running of [first, second]) await ground.stop(running);
    const directory = ground.directory(3);
    const [name = ''] = await readdir(join(ground.directory(1), 'snapshots'));
    const snapshot = await readFile(join(ground.directory(1), 'snapshots', name));
    await writeFile(join(directory, 'snapshots', name), snapshot);
    const { plan } = await recoverQuorum({ directory, nodeId: 3 });
    assert.equal(plan.isLogDiscarded, true);
    assert.deepEqual((await verifyStorage({ directory })).findings, []);
    const survivor = await ground.start(3);
    await survivor.node.wait(5000).state('leader');
    assert.equal(survivor.state().get('k'), 20);
    await survivor.node.propose({ key: 'after', value: 1 });
  });
});
