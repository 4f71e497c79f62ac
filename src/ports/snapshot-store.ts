/** Where snapshots live: streams of bytes with metadata, complete and verified or not there at all. */
import type { SnapshotMeta } from '../core/message.ts';

/** Describes a snapshot whose bytes are complete. */
export interface StoredSnapshot {
  readonly meta: SnapshotMeta;
  readonly sizeBytes: number;
  /** CRC-32 over all bytes. */
  readonly checksum: number;
  /** Names the format of the bytes; a state machine refuses one that it cannot read. */
  readonly codecId: string;
}

/** A snapshot that is being written. Invisible to `latest` until it is published. */
export interface SnapshotWriter {
  /** Bytes written so far; more than 0 at the start when an interrupted stream is resumed. */
  readonly offsetBytes: number;
  /** CRC-32 over the bytes so far. */
  readonly checksum: number;
  /** Resolves when the store wants more. The chunk must not change afterwards. */
  write(chunk: Uint8Array): Promise<void>;
  /** What was written, to restore from before it is published. */
  chunks(): AsyncIterable<Uint8Array>;
  /** Makes the snapshot durable and the newest one, atomically; older ones may be removed. */
  publish(): Promise<StoredSnapshot>;
  /** Ends writing; with `keep` an unfinished one stays, to be resumed. Safe after `publish`. */
  close(options: { readonly keep: boolean }): Promise<void>;
}

/** A complete snapshot, pinned while it is open: publishing a newer one does not disturb it. */
export interface SnapshotReader {
  readonly snapshot: StoredSnapshot;
  /** The bytes from `fromOffset` on. May be called several times. */
  chunks(fromOffset: number): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/** A snapshot that can't be used, kept aside for somebody to look at. */
export interface DamagedSnapshot {
  /** Where it is. */
  readonly place: string;
  readonly problem: string;
}

export interface SnapshotStore {
  /** Opens the store; resolves with the newest good snapshot, `null` when there is none. Called once. */
  open(): Promise<StoredSnapshot | null>;
  /** Starts writing, or resumes the unfinished one with the same meta id; another unfinished one is removed. */
  create(meta: SnapshotMeta, codecId: string): Promise<SnapshotWriter>;
  /** Opens the newest snapshot, `null` when there is none, or when it was found damaged since the store was opened. */
  latest(): Promise<SnapshotReader | null>;
  /**
   * Gives the newest snapshot up, because its bytes can't be used: the one before it is the newest then. Resolves with
   * that, `null` when there is none. Called while a node starts, before anything relies on what the newest one covers.
   * Only stores that keep older snapshots have it.
   */
  discardLatest?(reason: unknown): Promise<StoredSnapshot | null>;
  /** What was found damaged, oldest first: for messages. Only stores that keep such snapshots have it. */
  damaged?(): readonly DamagedSnapshot[];
  close(): Promise<void>;
}
