/** The real file system, for a process that is to be killed between any two of its calls. */
import type { FileSystem, OpenFile } from '../../../src/ports/file-system.ts';
import { systemFileSystem } from '../../../src/system/system-file-system.ts';
import type { Reporter } from './reporter.ts';

/** Reports `file <call>` before, and `file <call> done` after everything that changes something. */
export function reportingFileSystem(reporter: Reporter): FileSystem {
  let number = 0;
  const reported = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
    number += 1;
    const own = number;
    reporter.report(`file ${name}`, own);
    const result = await run();
    reporter.report(`file ${name} done`, own);
    return result;
  };
  return {
    makeDirectory: (path) => reported('make-directory', () => systemFileSystem.makeDirectory(path)),
    list: (path) => systemFileSystem.list(path),
    openForReading: (path) => systemFileSystem.openForReading(path),
    openForWriting: (path) =>
      reported('open', async () => reportingFile(await systemFileSystem.openForWriting(path), reported)),
    rename: (from, to) => reported('rename', () => systemFileSystem.rename(from, to)),
    remove: (path) => reported('remove', () => systemFileSystem.remove(path)),
    syncDirectory: (path) => reported('sync-directory', () => systemFileSystem.syncDirectory(path)),
  };
}

function reportingFile(file: OpenFile, reported: <T>(name: string, run: () => Promise<T>) => Promise<T>): OpenFile {
  return {
    sizeBytes: () => file.sizeBytes(),
    read: (position, length) => file.read(position, length),
    write: (position, bytes) => reported('write', () => file.write(position, bytes)),
    truncate: (sizeBytes) => reported('truncate', () => file.truncate(sizeBytes)),
    sync: () => reported('sync', () => file.sync()),
    close: () => file.close(),
  };
}
