/** What the crash tests must notice, shown to their checkers without killing anybody. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { FileSnapshotStore } from '../../src/storage/snapshot-files/file-snapshot-store.ts';
import { issueWrite } from '../../src/testing/conformance/log-model.ts';
import { logCrashes } from './log/log-crashes.ts';
import { LogPlan } from './log/log-plan.ts';
import { modelOf, openLog } from './log/opened-log.ts';
import type { LedgerRow } from './nodes/ledger.ts';
import { IDS_PER_PROCESS, ledgerRequest } from './nodes/ledger.ts';
import { LedgerAccount } from './nodes/ledger-account.ts';
import { CRASH_CODEC_ID, crashBytes, crashMeta } from './snapshots/crash-snapshot.ts';
import { snapshotCrashes } from './snapshots/snapshot-crashes.ts';
import type { CrashChecker } from './support/crash-run.ts';
import type { Report } from './support/victim.ts';

const SEED = 5;

function newDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'zlayer-checkers-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function checks(checker: CrashChecker, directory: string, reports: readonly Report[]): Promise<unknown> {
  return checker.check({ directory, seed: SEED, reports });
}

describe('the checker of the log', () => {
  /** What a process would have reported of its first writes, the last of which is no lazy one. */
  async function written(directory: string): Promise<Report[]> {
    const opened = await openLog(directory);
    const plan = new LogPlan(SEED);
    const reports: Report[] = [];
    let model = await modelOf(opened);
    for (let number = 0; number < 30 || reports.at(-1)?.name.startsWith('call'); number += 1) {
      const write = plan.next(model);
      model = model.after(write);
      await issueWrite(opened, write);
      reports.push({ name: `call ${write.type}`, number });
      if (write.type !== 'save-committed') reports.push({ name: `done ${write.type}`, number });
    }
    await opened.store.close();
    return reports;
  }

  test('takes what a killed process may leave', async (t) => {
    const directory = newDirectory(t);
    const reports = await written(directory);
    const checker = logCrashes.createChecker();
    await checks(checker, directory, reports);
    await checks(checker, directory, []);
  });

  test('notices an acknowledged write that is lost', async (t) => {
    const directory = newDirectory(t);
    const reports = await written(directory);
    const [number, next] = [reports.at(-1)?.number ?? 0, new LogPlan(SEED)];
    let model = await modelOf(await openLog(newDirectory(t)));
    for (let count = 0; count <= number; count += 1) model = model.after(next.next(model));
    const { type } = next.next(model);
    const lost = [
      ...reports,
      { name: `call ${type}`, number: number + 1 },
      { name: `done ${type}`, number: number + 1 },
    ];
    await assert.rejects(checks(logCrashes.createChecker(), directory, lost), /writes were acknowledged/);
  });

  test('notices what nobody wrote', async (t) => {
    const directory = newDirectory(t);
    const reports = await written(directory);
    await assert.rejects(
      checks(logCrashes.createChecker(), directory, reports.slice(0, 4)),
      /writes were acknowledged/,
    );
  });

  test('notices promises that resolve out of order', async (t) => {
    const directory = newDirectory(t);
    const reports = await written(directory);
    const done = reports.filter(({ name }) => name.startsWith('done'));
    const swapped = reports.map((report) => (report === done[0] ? done[1] : report === done[1] ? done[0] : report));
    await assert.rejects(
      checks(
        logCrashes.createChecker(),
        directory,
        swapped.filter((report) => report !== undefined),
      ),
      /out of order/,
    );
  });

  test('notices a store that was made anew', async (t) => {
    const directory = newDirectory(t);
    const checker = logCrashes.createChecker();
    await checks(checker, directory, []);
    for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true });
    const { store } = await openLog(directory);
    await store.saveHardState({ term: 1, votedFor: null });
    await store.close();
    await assert.rejects(checks(checker, directory, []), /writes were acknowledged/);
  });
});

describe('the checker of snapshots', () => {
  async function published(directory: string, count: number): Promise<Report[]> {
    const store = new FileSnapshotStore({ directory: join(directory, 'snapshots') });
    await store.open();
    const reports: Report[] = [];
    for (let number = 1; number <= count; number += 1) {
      const writer = await store.create(crashMeta(number), CRASH_CODEC_ID);
      await writer.write(crashBytes(number));
      await writer.publish();
      await writer.close({ keep: false });
      reports.push({ name: 'call publish', number }, { name: 'done publish', number });
    }
    await store.close();
    return reports;
  }

  test('takes what a killed process may leave', async (t) => {
    const directory = newDirectory(t);
    const reports = await published(directory, 3);
    await checks(snapshotCrashes.createChecker(), directory, reports);
    await checks(snapshotCrashes.createChecker(), directory, reports.slice(0, -1));
  });

  test('notices a published snapshot that is lost, and one that nobody published', async (t) => {
    const directory = newDirectory(t);
    const reports = await published(directory, 3);
    const more = [...reports, { name: 'call publish', number: 4 }, { name: 'done publish', number: 4 }];
    await assert.rejects(checks(snapshotCrashes.createChecker(), directory, more), /the newest snapshot is 3; 4 was/);
    const fewer = reports.slice(0, 4);
    await assert.rejects(checks(snapshotCrashes.createChecker(), directory, fewer), /the newest snapshot is 3; 2 was/);
  });

  test('notices other bytes', async (t) => {
    const directory = newDirectory(t);
    const reports = await published(directory, 3);
    const path = join(directory, 'snapshots', '0000000000000003.snapshot');
    const bytes = readFileSync(path);
    bytes[bytes.byteLength >> 1] = (bytes[bytes.byteLength >> 1] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    await assert.rejects(checks(snapshotCrashes.createChecker(), directory, reports), /damage/);
  });
});

describe('the account of proposals', () => {
  const FIRST = IDS_PER_PROCESS;

  /** The given ids were called, the first `done` of them acknowledged. */
  function account(ids: readonly number[], done: number): LedgerAccount {
    const made = new LedgerAccount();
    made.add([
      ...ids.map((number) => ({ name: 'call propose', number })),
      ...ids.slice(0, done).map((number) => ({ name: 'done propose', number })),
    ]);
    return made;
  }

  function rows(ids: readonly number[], change: (id: number, row: LedgerRow) => LedgerRow = (_, row) => row) {
    const sound = (id: number, index: number): LedgerRow => ({
      checksum: crc32(ledgerRequest(id).payload),
      times: 1,
      index,
    });
    return new Map(ids.map((id, position) => [id, change(id, sound(id, position + 3))]));
  }

  const [a, b, c] = [FIRST + 1, FIRST + 2, FIRST + 3];

  test('takes what was acknowledged, with or without more of what was called', () => {
    assert.deepEqual(account([a, b, c], 2).check(rows([a, b])), { acknowledged: 2, unacknowledged: 0 });
    assert.deepEqual(account([a, b, c], 2).check(rows([a, b, c])), { acknowledged: 2, unacknowledged: 1 });
  });

  test('notices what is lost, also when it was there once', () => {
    assert.throws(() => account([a, b], 2).check(rows([a])), /is lost/);
    const made = account([a, b], 1);
    made.check(rows([a, b]));
    assert.throws(() => made.check(rows([a])), /is lost/);
  });

  test('notices what was invented, came twice, came out of order, has a gap before it or other bytes', () => {
    assert.throws(() => account([a], 1).check(rows([a, b])), /nobody made/);
    assert.throws(() => account([a, b], 1).check(rows([a, b], (_, row) => ({ ...row, times: 2 }))), /2 times/);
    assert.throws(() => account([a, b], 1).check(rows([a, b], (_, row) => ({ ...row, index: 9 }))), /came before/);
    assert.throws(() => account([a, b, c], 1).check(rows([a, c])), /not the one before it/);
    assert.throws(() => account([a], 1).check(rows([a], (_, row) => ({ ...row, checksum: 0 }))), /other bytes/);
  });
});
