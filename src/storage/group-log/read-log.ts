/** Reads entries out of groups. */
import type { Entry } from '../../core/entry.ts';
import type { LogId, LogIndex } from '../../core/ids.ts';
import type { GroupReader } from './group-bytes.ts';
import type { GroupView } from './group-view.ts';

/**
 * The entries of a range that lies within the log: a prefix of it, at least one entry, at most `maxBytes` more.
 * @throws CorruptionError when one is missing or damaged
 */
export function readRange(
  view: GroupView,
  reader: GroupReader,
  { fromIndex, toIndex }: { readonly fromIndex: LogIndex; readonly toIndex: LogIndex },
  maxBytes: number,
): readonly Entry[] {
  const pieces: Uint8Array[] = [];
  let size = 0;
  let count = 0;
  let nextIndex = fromIndex;
  while (nextIndex < toIndex) {
    const group = count === 0 ? view.atOrBefore(nextIndex) : view.atOrAfter(nextIndex);
    if (group === null || group.firstIndex > nextIndex) throw reader.damage(nextIndex, 'there is no such entry');
    const span = reader.span(group, { fromIndex: nextIndex, toIndex }, maxBytes - size, count === 0);
    if (span.count === 0) {
      if (count === 0) throw reader.damage(nextIndex, 'there is no such entry');
      break;
    }
    pieces.push(group.bytes.subarray(span.start, span.end));
    size += span.end - span.start;
    count += span.count;
    nextIndex += span.count;
    if (span.end < group.bytes.byteLength) break;
  }
  return count === 0 ? [] : reader.decode(joined(pieces, size), fromIndex, count);
}

/**
 * Where the log ends. Looks at both ends, and not at what lies between them: that is checked when it is read.
 * @throws CorruptionError when the log does not begin behind what was purged, or an end is damaged
 */
export function locateLog(view: GroupView, reader: GroupReader, lastPurged: LogId): LogId {
  const lastGroup = view.atOrBefore(Number.MAX_SAFE_INTEGER);
  if (lastGroup === null) return lastPurged;
  const lastIndex = reader.lastIndex(lastGroup);
  // Left over from a purge beyond the end.
  if (lastIndex <= lastPurged.index) return lastPurged;
  const range = { fromIndex: lastPurged.index + 1, toIndex: lastIndex + 1 };
  readRange(view, reader, range, 0);
  const count = lastIndex - lastGroup.firstIndex + 1;
  const last = reader.decode(lastGroup.bytes, lastGroup.firstIndex, count).at(-1);
  if (last === undefined) throw reader.damage(lastIndex, 'there is no such entry');
  return last.logId;
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) return first;
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.byteLength;
  }
  return bytes;
}
