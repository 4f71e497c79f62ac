/** Makes the data directory of a new cluster's first node out of a backup. */
import { readdir, rmdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Entry } from '../../../core/entry.ts';
import { blankEntry, membershipEntry } from '../../../core/entry.ts';
import type { HardState } from '../../../core/hard-state.ts';
import type { LogId, LogIndex, NodeId } from '../../../core/ids.ts';
import { IdentityError, StorageError } from '../../../errors.ts';
import type { LogStore, StoreIdentity } from '../../../ports/log-store.ts';
import type { SnapshotStore } from '../../../ports/snapshot-store.ts';
import { systemFileSystem } from '../../../system/system-file-system.ts';
import { systemClock, systemRandom } from '../../../system/system-ports.ts';
import { openDurableStorage } from '../open-durable-storage.ts';
import type { BackupHeader } from './backup-format.ts';
import type { BackupPart } from './backup-reader.ts';
import { BackupReader } from './backup-reader.ts';
import { checkNode, membershipOf, newClusterId, nextLogId } from './new-owner.ts';
import { ownSnapshot } from './own-snapshot.ts';
import { explained } from './system-failure.ts';
import type { OfflineOptions } from './work.ts';
import { Work } from './work.ts';

export interface RestoreOptions extends OfflineOptions {
  /** The backup. */
  readonly file: string;
  /** Where the data goes: not there yet, or empty. */
  readonly directory: string;
  /** Of the only voter of the new cluster. */
  readonly nodeId: NodeId;
  /** `host:port` under which others reach it. */
  readonly address: string;
  /** As in the node's configuration. Default: that of the backup. */
  readonly clusterName?: string | undefined;
  /** Read and check the backup, and write nothing. Default `false`. */
  readonly isDryRun?: boolean | undefined;
}

export interface RestoreReport {
  readonly file: string;
  readonly directory: string;
  readonly backup: BackupHeader;
  /** Whose data it is now: a new cluster, a new store. */
  readonly identity: StoreIdentity;
  readonly address: string;
  readonly hardState: HardState;
  /** The entry with the new membership. */
  readonly lastLogId: LogId;
  /** Entries that held a membership of the old cluster, and are blank now. */
  readonly blankedIndexes: readonly LogIndex[];
}

/**
 * The state is that of the backup: its snapshot, and its entries at their old positions. Memberships of the old cluster
 * are taken out, and a last entry makes the node the only voter. The cluster id is new, so that nodes of the old cluster
 * and of this one refuse each other. Further nodes join as new ones.
 *
 * The directory appears at once, when all of it is on the disk.
 * @throws CorruptionError when the backup is damaged
 * @throws StorageError when something can't be read or written, or the directory is not empty
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const { nodeId, address } = options;
  checkNode(nodeId, address);
  const directory = resolve(options.directory);
  await checkEmpty(directory);
  const reader = await BackupReader.open(systemFileSystem, resolve(options.file));
  try {
    const clusterName = options.clusterName ?? reader.header.source.clusterName;
    if (clusterName === '') throw new IdentityError('the name of the cluster must not be empty');
    const instanceId = systemRandom.uniqueId();
    const identity = { nodeId, instanceId, clusterId: newClusterId(instanceId), clusterName };
    const restore = new Restore(reader, { identity, address, work: new Work(options) });
    if (options.isDryRun === true) await restore.into(null);
    else await buildAside(directory, (aside) => restore.intoDirectory(aside));
    return { file: resolve(options.file), directory, ...restore.report };
  } finally {
    await reader.close();
  }
}

interface NewOwner {
  readonly identity: StoreIdentity;
  readonly address: string;
  readonly work: Work;
}

interface Stores {
  readonly logStore: LogStore;
  readonly snapshotStore: SnapshotStore;
}

class Restore {
  readonly #reader: BackupReader;
  readonly #owner: NewOwner;
  readonly #blanked: LogIndex[] = [];
  readonly #lastLogId: LogId;
  #lastTimeMs: number;

  constructor(reader: BackupReader, owner: NewOwner) {
    const { hardState, lastLogId, snapshot } = reader.header;
    this.#reader = reader;
    this.#owner = owner;
    this.#lastLogId = nextLogId(lastLogId, hardState.term);
    this.#lastTimeMs = snapshot?.meta.lastTimeMs ?? 0;
  }

  get report(): Omit<RestoreReport, 'file' | 'directory'> {
    const { identity, address } = this.#owner;
    return {
      backup: this.#reader.header,
      identity,
      address,
      hardState: this.#hardState,
      lastLogId: this.#lastLogId,
      blankedIndexes: this.#blanked,
    };
  }

  async intoDirectory(directory: string): Promise<void> {
    const storage = await openDurableStorage({ directory });
    try {
      await this.into(storage);
    } finally {
      await storage.close();
    }
  }

  /** Without stores everything is read and checked all the same. */
  async into(stores: Stores | null): Promise<void> {
    const parts = this.#reader.parts(this.#owner.work);
    if (stores !== null) await this.#begin(stores);
    let part = await parts.next();
    while (part.done !== true && part.value.type === 'entries') {
      const entries = part.value.entries.map((entry) => this.#own(entry));
      await stores?.logStore.append(entries);
      part = await parts.next();
    }
    await this.#restoreSnapshot(stores, piecesFrom(part, parts));
    if (stores === null) return;
    await stores.logStore.append([this.#finalEntry()]);
    await stores.logStore.saveCommitted(this.#lastLogId);
    await stores.logStore.close();
    await stores.snapshotStore.close();
  }

  get #hardState(): HardState {
    return { term: this.#lastLogId.term, votedFor: this.#owner.identity.nodeId };
  }

  async #begin({ logStore, snapshotStore }: Stores): Promise<void> {
    const { identity } = this.#owner;
    const { nodeId, clusterName, instanceId } = identity;
    await logStore.open({ nodeId, clusterName, newInstanceId: instanceId });
    await logStore.saveIdentity(identity);
    await logStore.saveHardState(this.#hardState);
    await snapshotStore.open();
    const { snapshot } = this.#reader.header;
    if (snapshot !== null) await logStore.purge(snapshot.meta.lastLogId);
  }

  /** Nodes that join get it first: the members of the old cluster must mean nothing to them. */
  async #restoreSnapshot(stores: Stores | null, pieces: AsyncGenerator<Uint8Array, void>): Promise<void> {
    const { snapshot } = this.#reader.header;
    if (snapshot === null || stores === null) {
      while ((await pieces.next()).done !== true);
      return;
    }
    const { lastLogId, lastTimeMs, membership } = snapshot.meta;
    const id = `${lastLogId.term}-${lastLogId.index}-${systemRandom.uniqueId()}`;
    const meta = { id, lastLogId, lastTimeMs, membership: { ...membership, membership: this.#membership() } };
    const writer = await stores.snapshotStore.create(meta, snapshot.codecId);
    for await (const piece of ownSnapshot(meta, snapshot.codecId, pieces)) await writer.write(piece);
    await writer.publish();
    await writer.close({ keep: false });
  }

  /** The entry as it is in the new cluster. */
  #own(entry: Entry): Entry {
    this.#lastTimeMs = Math.max(this.#lastTimeMs, entry.timeMs);
    if (entry.kind !== 'membership') return entry;
    this.#blanked.push(entry.logId.index);
    return blankEntry(entry.logId, entry.timeMs);
  }

  #finalEntry(): Entry {
    return membershipEntry(this.#lastLogId, Math.max(this.#lastTimeMs, systemClock.wallMs()), this.#membership());
  }

  #membership(): ReturnType<typeof membershipOf> {
    const { identity, address } = this.#owner;
    return membershipOf({ nodeId: identity.nodeId, instanceId: identity.instanceId, address, metadata: null });
  }
}

/** What is left of the parts of a backup. */
async function* piecesFrom(
  first: IteratorResult<BackupPart, void>,
  parts: AsyncGenerator<BackupPart, void>,
): AsyncGenerator<Uint8Array, void> {
  for (let part = first; part.done !== true; part = await parts.next()) {
    if (part.value.type === 'piece') yield part.value.bytes;
  }
}

/** Builds under another name, which nobody else uses, and puts that in place. */
async function buildAside(directory: string, build: (aside: string) => Promise<void>): Promise<void> {
  const aside = `${directory}.${systemRandom.uniqueId()}.restoring`;
  try {
    await systemFileSystem.makeDirectory(dirname(directory));
    await build(aside);
    await systemFileSystem.syncDirectory(aside);
    await putInPlace(aside, directory);
  } catch (error) {
    await systemFileSystem.remove(aside).catch(() => undefined);
    throw explained('restore the backup', directory, error);
  }
}

/** The directory in the way is an empty one; not all systems replace such. */
async function putInPlace(aside: string, directory: string): Promise<void> {
  await rmdir(directory).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  });
  await systemFileSystem.rename(aside, directory);
  await systemFileSystem.syncDirectory(dirname(directory));
}

/** @throws StorageError */
async function checkEmpty(directory: string): Promise<void> {
  let names: readonly string[];
  try {
    names = await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw explained('look into it', directory, error);
  }
  if (names.length > 0) {
    throw new StorageError(`${directory} is not empty: name one that is, or one that is not there yet`);
  }
}
