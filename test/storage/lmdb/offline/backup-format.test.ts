import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { encodeEntries } from '../../../../src/codec/record.ts';
import { blankEntry } from '../../../../src/core/entry.ts';
import { logId } from '../../../../src/core/ids.ts';
import { CorruptionError, StorageError } from '../../../../src/errors.ts';
import type { FileSystem } from '../../../../src/ports/file-system.ts';
import type { BackupFrame, BackupHeader } from '../../../../src/storage/lmdb/offline/backup-format.ts';
import { decodeFrame, encodeFrame } from '../../../../src/storage/lmdb/offline/backup-format.ts';
import { BackupReader } from '../../../../src/storage/lmdb/offline/backup-reader.ts';
import { BackupWriter } from '../../../../src/storage/lmdb/offline/backup-writer.ts';
import { decodeRecoveryNote, encodeRecoveryNote } from '../../../../src/storage/lmdb/offline/recovery-note.ts';
import { Work } from '../../../../src/storage/lmdb/offline/work.ts';
import { systemFileSystem } from '../../../../src/system/system-file-system.ts';

const HEADER: BackupHeader = {
  createdMs: 1_700_000_000_000,
  source: { nodeId: 3, instanceId: 'store', clusterId: 'cluster', clusterName: 'demo' },
  hardState: { term: 2, votedFor: 1 },
  lastLogId: logId(2, 7),
  snapshot: null,
  entryCount: 7,
};

/** What every later release must be able to read. */
const GOLDEN: readonly (readonly [BackupFrame, string])[] = [
  [
    { type: 'header', header: HEADER },
    'd51efe3e14010068e5cf8b01000003000000000000000500000073746f72650107000000636c75737465720400000064656d6f020000000000000001010000000000000002000000000000000700000000000000000700000000000000',
  ],
  [
    { type: 'entries', firstIndex: 7, count: 1, bytes: encodeEntries([blankEntry(logId(2, 7), 9)]) },
    '80e88dfa1501070000000000000001000000254675c00103000000000000020000000000000007000000000000000900000000000000',
  ],
  [{ type: 'piece', offset: 258, bytes: new Uint8Array([1, 2, 3]) }, '1af8609d16010201000000000000010203'],
  [
    { type: 'end', end: { entryCount: 1, snapshotBytes: 3, checksum: 0xdeadbeef } },
    'ca103ad2170101000000000000000300000000000000efbeadde',
  ],
];

const damage = (problem: string): CorruptionError => new CorruptionError(problem);

describe('the format of a backup', () => {
  for (const [frame, golden] of GOLDEN) {
    test(`is that of version 1: ${frame.type}`, () => {
      assert.equal(Buffer.concat(encodeFrame(frame)).toString('hex'), golden);
      assert.deepEqual(plain(decodeFrame(Buffer.from(golden, 'hex'), damage)), plain(frame));
    });

    test(`has no byte that may be another one: ${frame.type}`, () => {
      const bytes = Buffer.concat(encodeFrame(frame));
      for (let at = 0; at < bytes.byteLength; at++) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ 0x10;
        assert.throws(() => decodeFrame(changed, damage), CorruptionError, `byte ${at}`);
        assert.throws(() => decodeFrame(bytes.subarray(0, at), damage), CorruptionError, `cut at ${at}`);
      }
    });
  }

  test('the note of a recovery is that of version 1', () => {
    const note = {
      timeMs: 1_700_000_000_000,
      clusterId: null,
      hardState: { term: 2, votedFor: null },
      committed: logId(1, 5),
      lastLogId: logId(2, 7),
    };
    const bytes = encodeRecoveryNote(note);
    assert.equal(
      Buffer.from(bytes).toString('hex'),
      '3e81f3fe18010068e5cf8b010000000200000000000000000100000000000000050000000000000002000000000000000700000000000000',
    );
    assert.deepEqual(decodeRecoveryNote(bytes), note);
    assert.throws(() => decodeRecoveryNote(bytes.subarray(1)), CorruptionError);
  });
});

async function makePlace(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'zlayer-backup-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

describe('the writer of a backup', () => {
  test('writes what the reader reads', async (t) => {
    const path = join(await makePlace(t), 'backup');
    const writer = await BackupWriter.create(systemFileSystem, path);
    await writer.header({ ...HEADER, lastLogId: logId(2, 2), entryCount: 2 });
    for (const index of [1, 2]) await writer.record(index, encodeEntries([blankEntry(logId(2, index), 0)]));
    await writer.publish();
    const reader = await BackupReader.open(systemFileSystem, path);
    const indexes: number[] = [];
    for await (const part of reader.parts(new Work({}))) {
      if (part.type === 'entries') indexes.push(...part.entries.map((entry) => entry.logId.index));
    }
    assert.deepEqual([indexes, reader.sizeBytes], [[1, 2], writer.sizeBytes]);
    await reader.close();
  });

  test('the reader refuses entries with a gap and an end before the announced one', async (t) => {
    const directory = await makePlace(t);
    for (const [name, indexes] of [
      ['gap', [1, 3]],
      ['short', [1]],
    ] as const) {
      const path = join(directory, name);
      const writer = await BackupWriter.create(systemFileSystem, path);
      await writer.header({ ...HEADER, lastLogId: logId(2, 2), entryCount: 2 });
      for (const index of indexes) await writer.record(index, encodeEntries([blankEntry(logId(2, index), 0)]));
      await writer.publish();
      const reader = await BackupReader.open(systemFileSystem, path);
      const parts = reader.parts(new Work({}));
      await assert.rejects(async () => {
        while ((await parts.next()).done !== true);
      }, CorruptionError);
      await reader.close();
    }
  });

  for (const call of ['write', 'sync', 'rename'] as const) {
    test(`says what to do when the disk is full, and leaves nothing: ${call}`, async (t) => {
      const directory = await makePlace(t);
      const writer = await BackupWriter.create(failingAt(call), join(directory, 'backup'));
      await assert.rejects(
        async () => {
          try {
            await writer.header(HEADER);
            await writer.publish();
          } finally {
            await writer.discard();
          }
        },
        (error) => error instanceof StorageError && /can't write the backup: the disk is full/.test(error.message),
      );
      assert.deepEqual(await readdir(directory), []);
    });
  }
});

/** The real file system, but for one call that finds no room. */
function failingAt(call: 'write' | 'sync' | 'rename'): FileSystem {
  const fail = async (): Promise<never> => {
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', syscall: call });
  };
  return {
    ...systemFileSystem,
    ...(call === 'rename' ? { rename: fail } : {}),
    openForWriting: async (path) => {
      const file = await systemFileSystem.openForWriting(path);
      return {
        sizeBytes: () => file.sizeBytes(),
        read: (position, length) => file.read(position, length),
        write: (position, bytes) => (call === 'write' ? fail() : file.write(position, bytes)),
        truncate: (sizeBytes) => file.truncate(sizeBytes),
        sync: () => (call === 'sync' ? fail() : file.sync()),
        close: () => file.close(),
      };
    },
  };
}

/** Bytes compare by what is in them, whatever view they are. */
function plain(frame: BackupFrame): object {
  return 'bytes' in frame ? { ...frame, bytes: [...frame.bytes] } : frame;
}
