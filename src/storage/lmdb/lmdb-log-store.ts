/** The durable log store. */
import { systemTimers } from '../../system/system-ports.ts';
import { GroupLogStore } from '../group-log/group-log-store.ts';
import type { LmdbLogDatabaseOptions } from './lmdb-log-database.ts';
import { LmdbLogDatabase } from './lmdb-log-database.ts';

/** Where a log is kept. */
export type LmdbLogStoreOptions = Pick<LmdbLogDatabaseOptions, 'directory'>;

/**
 * Log, hard state, committed position, last purged position and identity of a node in one LMDB environment.
 *
 * What is appended together is one record set of one commit; a promise resolves when its commit is on the disk. Made on
 * a local disk only: LMDB can't be trusted on a network file system.
 *
 * ```ts
 * const logStore = new LmdbLogStore({ directory: '/var/lib/app/log' });
 * ```
 */
export class LmdbLogStore extends GroupLogStore {
  /** Opens nothing yet: the node does that. */
  constructor({ directory }: LmdbLogStoreOptions) {
    super(new LmdbLogDatabase({ directory }), { timers: systemTimers });
  }
}
