/** The small records of a log, as far as they can be read. */
import type { MakeError } from '../../../codec/make-error.ts';
import { corruptionErrorIn } from '../../../codec/make-error.ts';
import { decodeHardState, decodeLogPosition, decodeStoreIdentity } from '../../../codec/store-bytes.ts';
import type { HardState } from '../../../core/hard-state.ts';
import { INITIAL_HARD_STATE } from '../../../core/hard-state.ts';
import type { LogId } from '../../../core/ids.ts';
import { NO_LOG_ID } from '../../../core/ids.ts';
import type { StoreIdentity } from '../../../ports/log-store.ts';
import type { Finding } from './finding.ts';
import type { LogView } from './log-view.ts';
import type { RecoveryNote } from './recovery-note.ts';
import { decodeRecoveryNote, RECOVERY_RECORD } from './recovery-note.ts';

export interface StoredRecords {
  /** `null` when it is missing or damaged. */
  readonly identity: StoreIdentity | null;
  readonly hardState: HardState;
  /** As it was saved last; the log may know better. */
  readonly committed: LogId;
  readonly lastPurged: LogId;
  /** `null` when the store was never recovered from the loss of a quorum. */
  readonly recovery: RecoveryNote | null;
}

/** A record that is damaged is reported, and then as if it were not there. */
export function readRecords(view: LogView, onFinding: (finding: Finding) => void): StoredRecords {
  const read = <T>(name: string, decode: (bytes: Uint8Array, makeError: MakeError) => T, none: T): T => {
    try {
      const bytes = view.record(name);
      return bytes === null ? none : decode(bytes, corruptionErrorIn(`record '${name}'`));
    } catch (error) {
      onFinding({ severity: 'damage', file: view.place, index: null, problem: messageOf(error) });
      return none;
    }
  };
  return {
    identity: read<StoreIdentity | null>('identity', decodeStoreIdentity, null),
    hardState: read('hard-state', decodeHardState, INITIAL_HARD_STATE),
    committed: read('committed', decodeLogPosition, NO_LOG_ID),
    lastPurged: read('purged', decodeLogPosition, NO_LOG_ID),
    recovery: read<RecoveryNote | null>(RECOVERY_RECORD, decodeRecoveryNote, null),
  };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
