/** What every file system does, as cases for any of them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { FileSystem, OpenFile } from '../../src/ports/file-system.ts';

interface Place {
  readonly fileSystem: FileSystem;
  /** An empty directory. */
  readonly directory: string;
}

export const fileSystemCases: Readonly<Record<string, (place: Place) => Promise<void>>> = {
  'a file holds what was written at its positions, zeros in between, and nothing after its end': async (place) => {
    const { file } = await make(place, 'a');
    await file.write(6, bytes(7, 8));
    await file.write(1, bytes(1, 2));
    await file.sync();
    assert.equal(await file.sizeBytes(), 8);
    assert.deepEqual(await file.read(0, 100), bytes(0, 1, 2, 0, 0, 0, 7, 8));
    assert.deepEqual(await file.read(1, 2), bytes(1, 2));
    assert.deepEqual(await file.read(8, 10), bytes());
    assert.deepEqual(await file.read(50, 10), bytes());
    await file.close();
  },

  'what was read belongs to the caller': async (place) => {
    const { file } = await make(place, 'a');
    await file.write(0, bytes(1, 2, 3));
    (await file.read(0, 3)).fill(9);
    const chunk = bytes(4);
    await file.write(3, chunk);
    chunk.fill(9);
    assert.deepEqual(await file.read(0, 4), bytes(1, 2, 3, 4));
    await file.close();
  },

  'a file can be cut, and extended with zeros': async (place) => {
    const { file } = await make(place, 'a');
    await file.write(0, bytes(1, 2, 3, 4));
    await file.truncate(2);
    assert.deepEqual(await file.read(0, 10), bytes(1, 2));
    await file.truncate(4);
    assert.deepEqual(await file.read(0, 10), bytes(1, 2, 0, 0));
    await file.close();
  },

  'opening for writing keeps what a file holds': async (place) => {
    const { file, path } = await make(place, 'a');
    await file.write(0, bytes(1, 2, 3));
    await file.close();
    const again = await place.fileSystem.openForWriting(path);
    await again.write(1, bytes(9));
    assert.deepEqual(await again.read(0, 10), bytes(1, 9, 3));
    await again.close();
  },

  'a file opened for reading can not be changed': async (place) => {
    const { file, path } = await make(place, 'a');
    await file.write(0, bytes(1));
    await file.close();
    const reader = await place.fileSystem.openForReading(path);
    await assert.rejects(reader.write(0, bytes(2)), { code: 'EBADF' });
    assert.deepEqual(await reader.read(0, 10), bytes(1));
    await reader.close();
  },

  'a closed file refuses every call, and can be closed again': async (place) => {
    const { file } = await make(place, 'a');
    await file.close();
    await file.close();
    await assert.rejects(() => file.read(0, 1), { code: 'EBADF' });
    await assert.rejects(() => file.write(0, bytes(1)), { code: 'EBADF' });
  },

  'what is not there can not be opened for reading, listed or renamed, but removed': async ({
    fileSystem,
    directory,
  }) => {
    const path = join(directory, 'missing');
    await assert.rejects(() => fileSystem.openForReading(path), { code: 'ENOENT' });
    await assert.rejects(() => fileSystem.openForWriting(join(path, 'a')), { code: 'ENOENT' });
    await assert.rejects(() => fileSystem.list(path), { code: 'ENOENT' });
    await assert.rejects(() => fileSystem.rename(path, join(directory, 'b')), { code: 'ENOENT' });
    await assert.rejects(() => fileSystem.syncDirectory(path), { code: 'ENOENT' });
    await fileSystem.remove(path);
    await fileSystem.remove(join(path, 'below'));
    assert.deepEqual(await fileSystem.list(directory), []);
  },

  'a renamed file takes the place of another; who has that open goes on reading it': async (place) => {
    const { fileSystem, directory } = place;
    const [first, second] = [await make(place, 'a'), await make(place, 'b')];
    await first.file.write(0, bytes(1));
    await second.file.write(0, bytes(2));
    await fileSystem.rename(first.path, second.path);
    await fileSystem.syncDirectory(directory);
    assert.deepEqual(await fileSystem.list(directory), ['b']);
    const reader = await fileSystem.openForReading(second.path);
    assert.deepEqual([await reader.read(0, 9), await second.file.read(0, 9)], [bytes(1), bytes(2)]);
    await Promise.all([reader.close(), first.file.close(), second.file.close()]);
  },

  'a removed file is gone from its directory; who has it open goes on reading it': async (place) => {
    const { file, path } = await make(place, 'a');
    await file.write(0, bytes(1));
    await place.fileSystem.remove(path);
    assert.deepEqual(await place.fileSystem.list(place.directory), []);
    assert.deepEqual(await file.read(0, 9), bytes(1));
    await file.close();
  },

  'directories are made with those above them, also when they are there already': async (place) => {
    const { fileSystem, directory } = place;
    const path = join(directory, 'x', 'y', 'z');
    await fileSystem.makeDirectory(path);
    await fileSystem.makeDirectory(path);
    await fileSystem.makeDirectory(join(directory, 'x', 'w'));
    assert.deepEqual(await fileSystem.list(join(directory, 'x')), ['w', 'y']);
    await (await make(place, 'file')).file.close();
    await assert.rejects(() => fileSystem.makeDirectory(join(directory, 'file')), { code: 'ENOTDIR' });
    await assert.rejects(() => fileSystem.makeDirectory(join(directory, 'file', 'below')), { code: 'ENOTDIR' });
  },

  'a directory is renamed and removed with all it holds, and names are sorted': async (place) => {
    const { fileSystem, directory } = place;
    await fileSystem.makeDirectory(join(directory, 'old', 'sub'));
    for (const name of ['old/c', 'old/a', 'old/B', 'old/sub/d']) await (await make(place, name)).file.close();
    await fileSystem.rename(join(directory, 'old'), join(directory, 'new'));
    assert.deepEqual(await fileSystem.list(join(directory, 'new')), ['B', 'a', 'c', 'sub']);
    assert.deepEqual(await fileSystem.list(join(directory, 'new', 'sub')), ['d']);
    await fileSystem.remove(join(directory, 'new'));
    assert.deepEqual(await fileSystem.list(directory), []);
  },

  'a directory with something in it is not replaced': async (place) => {
    const { fileSystem, directory } = place;
    await fileSystem.makeDirectory(join(directory, 'a'));
    await fileSystem.makeDirectory(join(directory, 'b'));
    await (await make(place, 'b/file')).file.close();
    await assert.rejects(() => fileSystem.rename(join(directory, 'a'), join(directory, 'b')), { code: 'ENOTEMPTY' });
    await fileSystem.remove(join(directory, 'b', 'file'));
    await fileSystem.rename(join(directory, 'a'), join(directory, 'b'));
    assert.deepEqual(await fileSystem.list(directory), ['b']);
  },
};

export function bytes(...values: number[]): Uint8Array {
  return new Uint8Array(values);
}

async function make(
  { fileSystem, directory }: Place,
  name: string,
): Promise<{ readonly file: OpenFile; readonly path: string }> {
  const path = join(directory, name);
  return { file: await fileSystem.openForWriting(path), path };
}
