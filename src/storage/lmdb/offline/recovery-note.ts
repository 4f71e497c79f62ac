/** What a store was before `recoverQuorum` made it a cluster of its own: kept in the log's database, for people. */
import { corruptionErrorIn } from '../../../codec/make-error.ts';
import { beginSealed, openSealed, seal } from '../../../codec/sealed-bytes.ts';
import type { HardState } from '../../../core/hard-state.ts';
import type { LogId } from '../../../core/ids.ts';

export interface RecoveryNote {
  /** The wall clock when it was done, ms. */
  readonly timeMs: number;
  readonly clusterId: string | null;
  readonly hardState: HardState;
  readonly committed: LogId;
  readonly lastLogId: LogId;
}

export const RECOVERY_RECORD = 'recovery';

const damaged = corruptionErrorIn('record of a recovery');

export function encodeRecoveryNote(note: RecoveryNote): Uint8Array {
  const writer = beginSealed('recovery note');
  writer.counter(note.timeMs);
  writer.optional(note.clusterId, (id) => writer.string(id));
  writer.counter(note.hardState.term);
  writer.optional(note.hardState.votedFor, (id) => writer.nodeId(id));
  writer.logId(note.committed);
  writer.logId(note.lastLogId);
  return seal(writer);
}

/** @throws CorruptionError */
export function decodeRecoveryNote(bytes: Uint8Array): RecoveryNote {
  const reader = openSealed('recovery note', bytes, damaged);
  const note: RecoveryNote = {
    timeMs: reader.counter(),
    clusterId: reader.optional(() => reader.string()),
    hardState: { term: reader.counter(), votedFor: reader.optional(() => reader.nodeId()) },
    committed: reader.logId(),
    lastLogId: reader.logId(),
  };
  reader.end();
  return note;
}
