/** A group of entries as bytes: their records, back to back. */
import { decodeEntries, encodeEntries, skipRecord } from '../../codec/record.ts';
import type { Entry } from '../../core/entry.ts';
import type { LogIndex } from '../../core/ids.ts';
import { CorruptionError } from '../../errors.ts';
import type { LogGroup } from '../../ports/log-database.ts';

/** A longer append becomes several groups, so that reading one entry does not mean reading megabytes. */
const GROUP_BYTES = 256 * 1024;

/** Records within a group: `[start, end)` in bytes, `count` of them. */
export interface RecordSpan {
  readonly start: number;
  readonly end: number;
  readonly count: number;
}

/** The entries as groups, in order; encoded at most once for an array. The bytes must not be changed. */
export function groupsOf(entries: readonly Entry[]): readonly LogGroup[] {
  const bytes = encodeEntries(entries);
  const first = entries[0];
  if (first === undefined) return [];
  if (bytes.byteLength <= GROUP_BYTES) return [{ firstIndex: first.logId.index, bytes }];
  const groups: LogGroup[] = [];
  let firstIndex = first.logId.index;
  let start = 0;
  let end = 0;
  while (end < bytes.byteLength) {
    const { index, nextOffset } = skipRecord(bytes, end);
    if (nextOffset - start > GROUP_BYTES && end > start) {
      groups.push({ firstIndex, bytes: bytes.subarray(start, end) });
      firstIndex = index;
      start = end;
    }
    end = nextOffset;
  }
  groups.push({ firstIndex, bytes: bytes.subarray(start, end) });
  return groups;
}

/** Reads groups of one place; every problem becomes an error that names it. */
export class GroupReader {
  readonly #place: string;

  constructor(place: string) {
    this.#place = place;
  }

  /**
   * The records from `fromIndex` on, before `toIndex`, as many as fit `maxBytes`, at least one if `isOneForced`.
   * @throws CorruptionError when the records do not follow one another
   */
  span(
    group: LogGroup,
    { fromIndex, toIndex }: { readonly fromIndex: LogIndex; readonly toIndex: LogIndex },
    maxBytes: number,
    isOneForced: boolean,
  ): RecordSpan {
    const { bytes } = group;
    let offset = 0;
    let index = group.firstIndex;
    let start: number | null = null;
    let count = 0;
    while (offset < bytes.byteLength && index < toIndex) {
      const { index: found, nextOffset } = this.#skip(group, offset);
      if (found !== index) throw this.damage(index, `the record there says it is entry ${found}`);
      if (index >= fromIndex) {
        start ??= offset;
        const fits = nextOffset - start <= maxBytes || (isOneForced && count === 0);
        if (!fits) break;
        count += 1;
      }
      offset = nextOffset;
      index += 1;
    }
    return { start: start ?? offset, end: offset, count };
  }

  /** The index of the group's last entry. */
  lastIndex(group: LogGroup): LogIndex {
    const range = { fromIndex: group.firstIndex, toIndex: Number.MAX_SAFE_INTEGER };
    const { count } = this.span(group, range, Number.MAX_SAFE_INTEGER, true);
    if (count === 0) throw this.damage(group.firstIndex, 'the group is empty');
    return group.firstIndex + count - 1;
  }

  /**
   * The entries in `bytes`, which begin with `firstIndex`. Payloads are views of `bytes`.
   * @throws CorruptionError naming the place and the index
   */
  decode(bytes: Uint8Array, firstIndex: LogIndex, count: number): readonly Entry[] {
    const entries = decodeEntries(bytes, count, (problem, cause) => this.damage(firstIndex, problem, cause));
    let index = firstIndex;
    for (const { logId } of entries) {
      if (logId.index !== index) throw this.damage(index, `the record there says it is entry ${logId.index}`);
      index += 1;
    }
    return entries;
  }

  damage(index: LogIndex, problem: string, cause?: unknown): CorruptionError {
    return new CorruptionError(
      `${this.#place}: the log is damaged at or after index ${index}: ${problem}; restore this node from a backup, or remove it from the cluster and add it as new`,
      cause,
    );
  }

  /** A damaged length shows only at a later record. */
  #skip(group: LogGroup, offset: number): ReturnType<typeof skipRecord> {
    return skipRecord(group.bytes, offset, (problem, cause) => this.damage(group.firstIndex, problem, cause));
  }
}
