/** How log, snapshot and state of a directory fit together: the rules by which a node starts. */
import type { LogId, LogIndex } from '../../../core/ids.ts';
import { isSameLogId } from '../../../core/ids.ts';
import type { StoredSnapshot } from '../../../ports/snapshot-store.ts';
import type { Finding } from './finding.ts';
import type { StoredRecords } from './stored-records.ts';

export interface FoundPositions {
  readonly place: string;
  readonly records: StoredRecords;
  readonly newest: StoredSnapshot | null;
  /** Where what snapshot and state cover ends. */
  readonly covered: LogId;
  readonly tail: {
    readonly lastLogId: LogId;
    logIdAt(index: LogIndex): LogId | null;
  };
}

export interface Positions {
  readonly end: LogId;
  readonly committed: LogId;
  readonly isLogSuperseded: boolean;
  readonly findings: readonly Finding[];
}

export function placePositions({ place, records, newest, covered, tail }: FoundPositions): Positions {
  const { lastPurged, hardState, identity } = records;
  const { lastLogId: last } = tail;
  const findings: Finding[] = [];
  const add = (severity: Finding['severity'], problem: string, index: LogIndex | null = null): void => {
    findings.push({ severity, file: place, index, problem });
  };
  const isEmpty = last.index === 0 && hardState.term === 0 && records.committed.index === 0;
  if (identity === null && !isEmpty) add('damage', "there is data, but no sound record 'identity' that says whose");
  if (last.term > hardState.term && last.index > lastPurged.index) {
    add('damage', `the entry is of term ${last.term}, but the hard state of term ${hardState.term}`, last.index);
  }
  if (lastPurged.index > covered.index) {
    add(
      'damage',
      `missing: ${rangeText(covered.index, lastPurged.index)}: purged, but in no sound snapshot`,
      covered.index + 1,
    );
  }

  const found = covered.index === lastPurged.index ? lastPurged : tail.logIdAt(covered.index);
  const isConflict = found !== null && covered.index > 0 && !isSameLogId(found, covered);
  const isInstall = newest !== null && isSameLogId(newest.meta.lastLogId, covered) && found !== lastPurged;
  const isBehind = last.index < covered.index;
  if (isConflict && !isInstall) {
    add('damage', `the log has ${text(found)} where snapshot or state have ${text(covered)}`, covered.index);
  } else if (isConflict || isBehind) {
    add(
      'note',
      `the log ends at ${text(last)} or differs from ${text(covered)}, which a snapshot or the state covers: the next start discards it`,
    );
  }
  const isLogSuperseded = isBehind || (isConflict && isInstall);
  const end = isLogSuperseded ? covered : last;

  const saved = records.committed;
  const atSaved = tail.logIdAt(saved.index);
  const isKnown = atSaved !== null && isSameLogId(atSaved, saved) && !isLogSuperseded;
  const committed = isKnown && saved.index > covered.index ? saved : covered;
  if (saved.index > end.index) {
    add('note', `the saved committed position is ${text(saved)}, beyond the end of the log: a start learns it anew`);
  }
  return { end, committed, isLogSuperseded, findings };
}

function rangeText(beforeIndex: number, lastIndex: number): string {
  return lastIndex - beforeIndex === 1 ? `entry ${lastIndex}` : `entries ${beforeIndex + 1} to ${lastIndex}`;
}

function text({ term, index }: LogId): string {
  return `${term}:${index}`;
}
