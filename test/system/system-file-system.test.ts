import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isUnsyncableDirectory, systemFileSystem } from '../../src/system/system-file-system.ts';
import { fileSystemCases } from './file-system-contract.ts';

describe('systemFileSystem', () => {
  for (const [name, check] of Object.entries(fileSystemCases)) {
    test(name, () => inDirectory((directory) => check({ fileSystem: systemFileSystem, directory })));
  }

  test('reads and writes more than one call of the system may take', () =>
    inDirectory(async (directory) => {
      const file = await systemFileSystem.openForWriting(join(directory, 'large'));
      const large = new Uint8Array(20_000_000).map((_, position) => position % 251);
      await file.write(3, large);
      assert.ok(Buffer.compare(await file.read(3, 30_000_000), large) === 0);
      await file.close();
    }));

  test('an error is that of the platform, with code and path', () =>
    inDirectory(async (directory) => {
      const path = join(directory, 'file');
      await writeFile(path, 'x');
      await assert.rejects(() => systemFileSystem.list(path), { code: 'ENOTDIR', path });
    }));

  test('only Windows may refuse to sync a directory', () => {
    const refusal = Object.assign(new Error('EPERM'), { code: 'EPERM' });
    assert.equal(isUnsyncableDirectory(refusal, 'win32'), true);
    assert.equal(isUnsyncableDirectory(refusal, 'linux'), false);
    assert.equal(isUnsyncableDirectory(Object.assign(new Error('EIO'), { code: 'EIO' }), 'win32'), false);
    assert.equal(isUnsyncableDirectory('EPERM', 'win32'), false);
  });
});

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'zlayer-files-'));
  try {
    await run(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
