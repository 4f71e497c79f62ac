/** Everything a node keeps on the disk, in one directory. */
import { join } from 'node:path';
import type { LogStore } from '../../ports/log-store.ts';
import type { SnapshotStore } from '../../ports/snapshot-store.ts';
import { systemTimers } from '../../system/system-ports.ts';
import { GroupLogStore } from '../group-log/group-log-store.ts';
import { FileSnapshotStore } from '../snapshot-files/file-snapshot-store.ts';
import type { DirectoryLock } from './directory-lock.ts';
import { lockDirectory } from './directory-lock.ts';
import { checkFileSystem } from './file-check.ts';
import { lmdbError } from './lmdb-errors.ts';
import { LmdbLogDatabase } from './lmdb-log-database.ts';

export interface DurableStorageOptions {
  /** One node's own, on a local disk. Made if it is not there. */
  readonly directory: string;
  /** Snapshots kept besides the newest one, to fall back on when that is damaged. Default 1. */
  readonly olderSnapshots?: number;
}

/** The stores of one node. Handed to a node, they are closed by it. */
export interface DurableStorage extends AsyncDisposable {
  readonly directory: string;
  readonly logStore: LogStore;
  readonly snapshotStore: SnapshotStore;
  /** Where the state itself may be kept, if it is one that lives on the disk (`LmdbStateMachine`). */
  readonly stateDirectory: string;
  /** Only needed when no node took the stores over. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Opens, or creates, the storage of one node, and keeps every other process out of it until it is closed.
 *
 * ```text
 *   directory/LOCK          held while it is open
 *   directory/log/          log, hard state, identity: an LMDB environment
 *   directory/snapshots/    snapshots, one file each
 *   directory/state/        the state, if it is kept on the disk
 * ```
 *
 * ```ts
 * const { logStore, snapshotStore } = await openDurableStorage({ directory: '/var/lib/app' });
 * const node = await new ConsensusNodeBuilder<Request, Response>(1, '10.0.0.1:9000')
 *   .withSnapshotStore(snapshotStore)
 *   .buildWith(logStore, stateMachine, new HttpNetwork());
 * ```
 *
 * Whose data it is, is checked when a node is built with it: another node's or another cluster's is refused.
 * @throws StorageError when the directory can't be written, is in use, or is on a network file system
 */
export async function openDurableStorage({
  directory,
  olderSnapshots = 1,
}: DurableStorageOptions): Promise<DurableStorage> {
  const lock = await lockDirectory(directory);
  try {
    await checkFileSystem(directory);
  } catch (error) {
    await lock.release();
    throw lmdbError('open the storage', directory, error);
  }
  const snapshotStore = new FileSnapshotStore({ directory: join(directory, 'snapshots'), keepOlder: olderSnapshots });
  // The log closes last what the lock protects: the snapshots are at rest by then.
  const shared: DirectoryLock = {
    release: async () => {
      await snapshotStore.close();
      await lock.release();
    },
  };
  const database = new LmdbLogDatabase({ directory: join(directory, 'log'), lock: shared });
  const logStore = new GroupLogStore(database, { timers: systemTimers });
  const close = (): Promise<void> => logStore.close();
  return {
    directory,
    logStore,
    snapshotStore,
    stateDirectory: join(directory, 'state'),
    close,
    [Symbol.asyncDispose]: close,
  };
}
