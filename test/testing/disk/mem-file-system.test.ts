import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { OpenFile } from '../../../src/ports/file-system.ts';
import type { DiskFault, DiskFaults, DiskOperation } from '../../../src/testing/disk/disk-faults.ts';
import { systemError } from '../../../src/testing/disk/disk-faults.ts';
import { MemFileSystem } from '../../../src/testing/disk/mem-file-system.ts';
import { SeededRandom } from '../../support/fake-ports.ts';
import { bytes, fileSystemCases } from '../../system/file-system-contract.ts';

const SECTOR = 512;

describe('MemFileSystem', () => {
  for (const [name, check] of Object.entries(fileSystemCases)) {
    test(name, async () => {
      const fileSystem = new MemFileSystem();
      await fileSystem.makeDirectory('/data/x');
      await check({ fileSystem, directory: '/data/x' });
    });
  }

  test('refuses what it does not model: a rename to another directory', async () => {
    const { fileSystem } = await withFile();
    await fileSystem.makeDirectory('/b');
    await assert.rejects(() => fileSystem.rename('/d/file', '/b/file'), { code: 'EXDEV' });
  });
});

describe('a power failure', () => {
  test('takes what was not synced', async () => {
    const { fileSystem, file } = await withFile(1, 2, 3);
    await file.sync();
    await fileSystem.syncDirectory('/d');
    await file.write(1, bytes(9, 9, 9));
    await file.truncate(2);
    assert.deepEqual(fileSystem.crash().fileBytes('/d/file'), bytes(1, 2, 3));
  });

  test('takes a file whose name was not synced, whatever was synced of its content', async () => {
    const { fileSystem, file } = await withFile(1, 2, 3);
    await file.sync();
    assert.deepEqual(fileSystem.crash().filePaths(), []);
  });

  test('leaves an empty file when only the name was synced', async () => {
    const { fileSystem } = await withFile(1, 2, 3);
    await fileSystem.syncDirectory('/d');
    assert.deepEqual(fileSystem.crash().fileBytes('/d/file'), bytes());
  });

  test('takes back renames and removals that were not synced', async () => {
    const { fileSystem } = await withSyncedFile(1);
    await fileSystem.openForWriting('/d/other');
    await fileSystem.syncDirectory('/d');
    await fileSystem.rename('/d/file', '/d/renamed');
    await fileSystem.remove('/d/other');
    assert.deepEqual(fileSystem.filePaths(), ['/d/renamed']);
    assert.deepEqual(fileSystem.crash().filePaths(), ['/d/file', '/d/other']);
  });

  test('leaves directories, which are durable when they are made', async () => {
    const fileSystem = new MemFileSystem();
    await fileSystem.makeDirectory('/a/b');
    assert.deepEqual(await fileSystem.crash().list('/a'), ['b']);
  });

  test('may leave any sectors of what was written, but no part of one', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 300; seed += 1) {
      const { fileSystem, file } = await withSyncedFile(...new Array<number>(4 * SECTOR).fill(1));
      await file.write(100, new Uint8Array(3 * SECTOR).fill(2));
      const found = fileSystem.crash(new SeededRandom(seed)).fileBytes('/d/file');
      const parts = [found.subarray(0, 100), ...[0, 1, 2, 3].map((n) => sectorOf(found, n))];
      for (const part of parts) assert.ok(new Set(part).size === 1, 'a sector is torn');
      seen.add(
        parts
          .slice(1)
          .map((part) => part[0])
          .join(''),
      );
    }
    assert.equal(seen.size, 16);
  });

  test('may leave the first few changes of a directory, never a later one without those before it', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 100; seed += 1) {
      const { fileSystem } = await withSyncedFile(1);
      await fileSystem.rename('/d/file', '/d/second');
      await fileSystem.rename('/d/second', '/d/third');
      await fileSystem.remove('/d/third');
      seen.add(fileSystem.crash(new SeededRandom(seed)).filePaths().join());
    }
    assert.deepEqual([...seen].sort(), ['', '/d/file', '/d/second', '/d/third']);
  });

  test('is the same for the same seed', async () => {
    const crash = async (seed: number): Promise<unknown> => {
      const { fileSystem, file } = await withSyncedFile(1);
      for (let n = 0; n < 20; n += 1) await file.write(n * SECTOR, new Uint8Array(2 * SECTOR).fill(n));
      return fileSystem.crash(new SeededRandom(seed)).fileBytes('/d/file');
    };
    assert.deepEqual(await crash(5), await crash(5));
    assert.notDeepEqual(await crash(5), await crash(6));
  });

  test('ends the old process: what it has open and what it begins is refused', async () => {
    const { fileSystem, file } = await withSyncedFile(1);
    const next = fileSystem.crash();
    await assert.rejects(() => file.write(0, bytes(2)), { code: 'EBADF' });
    await assert.rejects(() => file.sizeBytes(), { code: 'EBADF' });
    await assert.rejects(() => fileSystem.remove('/d/file'), { code: 'EBADF' });
    await file.close();
    assert.deepEqual(next.fileBytes('/d/file'), bytes(1));
  });

  test('ends a call under way without effect', async () => {
    const waiting = Promise.withResolvers<null>();
    const fileSystem = new MemFileSystem({
      faults: { before: ({ type }) => (type === 'rename' ? waiting.promise : null) },
    });
    await fileSystem.openForWriting('/a');
    const renamed = fileSystem.rename('/a', '/b');
    const next = fileSystem.kill();
    waiting.resolve(null);
    await assert.rejects(renamed, { code: 'EBADF' });
    assert.deepEqual(next.filePaths(), ['/a']);
  });

  test('is survived by what was synced after it', async () => {
    const { fileSystem } = await withSyncedFile(1);
    const second = fileSystem.crash();
    const file = await second.openForWriting('/d/file');
    await file.write(0, bytes(2));
    await file.sync();
    assert.deepEqual(second.crash().fileBytes('/d/file'), bytes(2));
  });
});

describe('the end of a process', () => {
  test('leaves everything, and what was not synced is still to be', async () => {
    const { fileSystem } = await withFile(1, 2);
    const next = fileSystem.kill();
    assert.deepEqual(next.fileBytes('/d/file'), bytes(1, 2));
    assert.deepEqual(next.kill().crash().filePaths(), []);
  });

  test('frees what only it had open', async () => {
    const { fileSystem } = await withSyncedFile(1, 2);
    await fileSystem.remove('/d/file');
    assert.equal(fileSystem.usedBytes, 2);
    assert.equal(fileSystem.kill().usedBytes, 0);
  });
});

describe('faults', () => {
  test('are asked before every operation', async () => {
    const asked: string[] = [];
    const faults = faultsOf(({ type, path, bytes: count }) => {
      asked.push(`${type} ${path} ${count}`);
      return null;
    });
    const fileSystem = new MemFileSystem({ faults });
    await fileSystem.makeDirectory('/d');
    const file = await fileSystem.openForWriting('/d/a');
    await file.write(0, bytes(1, 2));
    await file.read(0, 7);
    await file.truncate(1);
    await file.sync();
    await fileSystem.rename('/d/a', '/d/b');
    await fileSystem.list('/d');
    await fileSystem.openForReading('/d/b');
    await fileSystem.remove('/d/b');
    await fileSystem.syncDirectory('/d');
    const expected = ['make-directory /d 0', 'open /d/a 0', 'write /d/a 2', 'read /d/a 7', 'truncate /d/a 0'];
    expected.push('sync /d/a 0', 'rename /d/a 0', 'list /d 0', 'open /d/b 0', 'remove /d/b 0', 'sync-directory /d 0');
    assert.deepEqual(asked, expected);
  });

  test('a short write leaves the bytes that were written', async () => {
    const fileSystem = new MemFileSystem({ faults: failOn('write', 2) });
    const short = await fileSystem.openForWriting('/short');
    await assert.rejects(() => short.write(0, bytes(1, 2, 3)), { code: 'EIO' });
    assert.deepEqual(fileSystem.fileBytes('/short'), bytes(1, 2));
  });

  test('what a failed sync did not bring to the disk is lost, also after a later sync', async () => {
    let isFailing = true;
    const faults = faultsOf((operation) => {
      const fails = operation.type === 'sync' && isFailing;
      return fails ? { error: systemError('EIO', operation), doneBytes: 2 } : null;
    });
    const fileSystem = new MemFileSystem({ faults });
    const file = await fileSystem.openForWriting('/a');
    await fileSystem.syncDirectory('/');
    await file.write(0, bytes(1, 2, 3));
    await assert.rejects(() => file.sync(), { code: 'EIO' });
    isFailing = false;
    await file.write(3, bytes(4));
    await file.sync();
    assert.deepEqual(fileSystem.fileBytes('/a'), bytes(1, 2, 3, 4));
    assert.deepEqual(fileSystem.crash().fileBytes('/a'), bytes(1, 2, 0, 4));
  });

  test('what a failed sync of a directory did not bring to the disk is lost, also after a later sync', async () => {
    let isFailing = true;
    const faults = faultsOf((operation) => {
      const fails = operation.type === 'sync-directory' && isFailing;
      return fails ? { error: systemError('EIO', operation), doneBytes: 0 } : null;
    });
    const fileSystem = new MemFileSystem({ faults });
    await fileSystem.openForWriting('/a');
    await assert.rejects(() => fileSystem.syncDirectory('/'), { code: 'EIO' });
    isFailing = false;
    await fileSystem.openForWriting('/b');
    await fileSystem.syncDirectory('/');
    assert.deepEqual(fileSystem.crash().filePaths(), ['/b']);
  });

  test('an operation that fails has no effect', async () => {
    for (const type of ['open', 'make-directory', 'rename', 'remove', 'truncate', 'read', 'list'] as const) {
      const fileSystem = new MemFileSystem({ faults: faultsOf(failAfterSetup(type)) });
      const file = await fileSystem.openForWriting('/setup');
      await file.write(0, bytes(1));
      const calls: Record<typeof type, () => Promise<unknown>> = {
        open: () => fileSystem.openForWriting('/new'),
        'make-directory': () => fileSystem.makeDirectory('/new'),
        rename: () => fileSystem.rename('/setup', '/new'),
        remove: () => fileSystem.remove('/setup'),
        truncate: () => file.truncate(0),
        read: () => file.read(0, 1),
        list: () => fileSystem.list('/'),
      };
      await assert.rejects(calls[type], { code: 'EIO' }, type);
      assert.deepEqual([fileSystem.filePaths(), fileSystem.fileBytes('/setup')], [['/setup'], bytes(1)], type);
    }
  });
});

describe('room', () => {
  test('a write that does not fit is cut short and fails', async () => {
    const fileSystem = new MemFileSystem({ capacityBytes: 5 });
    const [a, b] = [await fileSystem.openForWriting('/a'), await fileSystem.openForWriting('/b')];
    await a.write(0, bytes(1, 2, 3));
    await assert.rejects(() => b.write(0, bytes(4, 5, 6)), { code: 'ENOSPC' });
    assert.deepEqual([fileSystem.fileBytes('/b'), fileSystem.usedBytes], [bytes(4, 5), 5]);
    await a.write(0, bytes(7, 8, 9));
    await assert.rejects(() => b.truncate(3), { code: 'ENOSPC' });
    await fileSystem.remove('/a');
    await assert.rejects(() => b.write(2, bytes(6)), { code: 'ENOSPC' }, 'it is still open');
    await a.close();
    await b.write(2, bytes(6));
    assert.equal(fileSystem.usedBytes, 3);
  });

  test('a replaced file and a cut one give their room back', async () => {
    const { fileSystem, file } = await withFile(1, 2, 3);
    const other = await fileSystem.openForWriting('/d/other');
    await other.write(0, bytes(1, 2));
    await file.close();
    await fileSystem.rename('/d/other', '/d/file');
    assert.equal(fileSystem.usedBytes, 2);
    await other.truncate(1);
    assert.equal(fileSystem.usedBytes, 1);
    assert.equal(fileSystem.kill().usedBytes, 1);
  });
});

describe('flipBit', () => {
  test('damages what is stored, synced or not', async () => {
    const { fileSystem, file } = await withSyncedFile(1, 1);
    await file.write(1, bytes(8));
    fileSystem.flipBit('/d/file', 0);
    fileSystem.flipBit('/d/file', 9);
    assert.deepEqual(fileSystem.fileBytes('/d/file'), bytes(0, 10));
    await file.sync();
    assert.deepEqual(fileSystem.crash().fileBytes('/d/file'), bytes(0, 10));
  });

  test('refuses a place beyond the end', async () => {
    const { fileSystem } = await withSyncedFile(1);
    assert.throws(() => fileSystem.flipBit('/d/file', 8), RangeError);
  });
});

async function withFile(...content: number[]): Promise<{ fileSystem: MemFileSystem; file: OpenFile }> {
  const fileSystem = new MemFileSystem();
  await fileSystem.makeDirectory('/d');
  const file = await fileSystem.openForWriting('/d/file');
  await file.write(0, bytes(...content));
  return { fileSystem, file };
}

async function withSyncedFile(...content: number[]): Promise<{ fileSystem: MemFileSystem; file: OpenFile }> {
  const made = await withFile(...content);
  await made.file.sync();
  await made.fileSystem.syncDirectory('/d');
  return made;
}

function sectorOf(content: Uint8Array, number: number): Uint8Array {
  return content.subarray(Math.max(100, number * SECTOR), Math.min((number + 1) * SECTOR, 100 + 3 * SECTOR));
}

function faultsOf(before: (operation: DiskOperation) => DiskFault | null): DiskFaults {
  return { before };
}

function failOn(type: DiskOperation['type'], doneBytes: number): DiskFaults {
  return faultsOf((operation) =>
    operation.type === type ? { error: systemError('EIO', operation), doneBytes } : null,
  );
}

/** The first operations prepare what is tested. */
function failAfterSetup(type: DiskOperation['type']): (operation: DiskOperation) => DiskFault | null {
  let count = 0;
  return (operation) => {
    count += 1;
    return count > 2 && operation.type === type ? { error: systemError('EIO', operation), doneBytes: 0 } : null;
  };
}
