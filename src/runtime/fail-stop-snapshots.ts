/** A snapshot store that stops the node when it can't write. */
import { ConsensusError } from '../errors.ts';
import type { SnapshotStore, SnapshotWriter } from '../ports/snapshot-store.ts';

/** What building and receiving need of a store. */
export type SnapshotSpace = Pick<SnapshotStore, 'create'>;

/**
 * A disk that refused a write or a sync once is not trusted again: log and state may be on it, too. Who asked for the
 * write gets the error as well. `SnapshotError` is something else: the snapshot gave way to another one.
 */
export function failStop(store: SnapshotSpace, fail: (error: unknown) => void): SnapshotSpace {
  const watch = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (!ConsensusError.is(error) || error.code !== 'SNAPSHOT') fail(error);
      throw error;
    }
  };
  const watched = (writer: SnapshotWriter): SnapshotWriter => ({
    get offsetBytes() {
      return writer.offsetBytes;
    },
    get checksum() {
      return writer.checksum;
    },
    write: (chunk) => watch(writer.write(chunk)),
    chunks: () => writer.chunks(),
    publish: () => watch(writer.publish()),
    close: (options) => watch(writer.close(options)),
  });
  return { create: async (meta, codecId) => watched(await watch(store.create(meta, codecId))) };
}
