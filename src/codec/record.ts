/**
 * One log entry as bytes: the same on the disk and on the wire, so that it is encoded once.
 *
 * ```text
 *    0  CRC-32 of all that follows : u32
 *    4  format version : u8 | kind : u8 | flags : u16 (0)
 *    8  payload bytes : u32
 *   12  term : u64 | index : u64 | timeMs : u64
 *   36  payload: the request, or the membership
 * ```
 *
 * The first five bytes mean this in all versions, for ever. The checksum comes first so that it is one call over one
 * range.
 */
import { crc32 } from 'node:zlib';
import type { Entry, EntryKind } from '../core/entry.ts';
import { blankEntry, membershipEntry, normalEntry } from '../core/entry.ts';
import type { LogIndex } from '../core/ids.ts';
import { logId } from '../core/ids.ts';
import { putCounter, putU32 } from './byte-writer.ts';
import type { MakeError } from './make-error.ts';
import { corruptionErrorIn } from './make-error.ts';
import { decodeMembership, encodeMembership } from './membership-bytes.ts';
import { hex } from './sealed-bytes.ts';

export const RECORD_HEADER_BYTES = 36;

/** The longest record; a longer one is never written, and refused before anything is read of it. */
export const MAX_RECORD_BYTES: number = 256 * 1024 * 1024;

const RECORD_FORMAT_VERSION = 1;

/** A number is never reused. */
const KIND_NUMBERS: Readonly<Record<EntryKind, number>> = { normal: 1, membership: 2, blank: 3 };

const CRC_BYTES = 4;
const TWO_TO_32 = 0x1_0000_0000;
const HIGH_MAX = 0x1f_ffff;

const corruption = corruptionErrorIn('log record');

/** What was encoded already, by the identity of the array. */
const encodedBytes = new WeakMap<readonly Entry[], Uint8Array>();

/** The bytes belong to the caller. */
export function encodeRecord(entry: Entry): Uint8Array {
  const payload = payloadOf(entry);
  const bytes = allocate(RECORD_HEADER_BYTES + payload.byteLength);
  putRecord(bytes, 0, entry, payload);
  return bytes;
}

/**
 * Reads the record at `offset`. The entry's payload is a view of `bytes`: these must not change while it is in use, and
 * stay in memory as long as it does.
 * @throws CorruptionError for anything but a whole, undamaged record
 */
export function decodeRecord(bytes: Uint8Array, offset: number): { entry: Entry; nextOffset: number } {
  const cursor = new RecordCursor(bytes, offset, corruption);
  const entry = cursor.next();
  return { entry, nextOffset: cursor.offset };
}

/**
 * Where the record at `offset` ends and which index it says it has, to step over it. Its checksum is not looked at.
 * @throws what `makeError` makes when there is no whole record
 */
export function skipRecord(
  bytes: Uint8Array,
  offset: number,
  makeError: MakeError = corruption,
): { readonly index: LogIndex; readonly nextOffset: number } {
  return new RecordCursor(bytes, offset, makeError).skip();
}

/**
 * All records, back to back. Encoded once for an array: later calls with the same one return the same bytes, and so does
 * a call with the result of `decodeEntries`. Neither the array nor the bytes may change afterwards.
 */
export function encodeEntries(entries: readonly Entry[]): Uint8Array {
  const known = encodedBytes.get(entries);
  if (known !== undefined) {
    return known;
  }
  const payloads: Uint8Array[] = [];
  let size = 0;
  for (const entry of entries) {
    const payload = payloadOf(entry);
    payloads.push(payload);
    size += RECORD_HEADER_BYTES + payload.byteLength;
  }
  const bytes = allocate(size);
  let offset = 0;
  let i = 0;
  for (const entry of entries) {
    offset = putRecord(bytes, offset, entry, payloads[i++] ?? entry.payload);
  }
  encodedBytes.set(entries, bytes);
  return bytes;
}

/** The entries of all lists, in order. Their bytes are joined, too, when all of them were encoded already. */
export function joinEntries(lists: readonly (readonly Entry[])[]): readonly Entry[] {
  const [first] = lists;
  if (lists.length === 1 && first !== undefined) return first;
  const entries = lists.flat();
  let size = 0;
  for (const list of lists) {
    const bytes = encodedBytes.get(list);
    if (bytes === undefined) return entries;
    size += bytes.byteLength;
  }
  const joined = allocate(size);
  let offset = 0;
  for (const list of lists) {
    const bytes = encodeEntries(list);
    joined.set(bytes, offset);
    offset += bytes.byteLength;
  }
  encodedBytes.set(entries, joined);
  return entries;
}

/**
 * Reads `count` records, which must fill `bytes`. Payloads are views of `bytes`, as with `decodeRecord`.
 * @throws CorruptionError, or what `makeError` makes
 */
export function decodeEntries(bytes: Uint8Array, count: number, makeError: MakeError = corruption): readonly Entry[] {
  if (count * RECORD_HEADER_BYTES > bytes.byteLength) {
    throw makeError(`${count} records announced, but there are only ${bytes.byteLength} bytes`);
  }
  const cursor = new RecordCursor(bytes, 0, makeError);
  const entries: Entry[] = [];
  for (let i = 0; i < count; i++) {
    entries.push(cursor.next());
  }
  if (cursor.offset !== bytes.byteLength) {
    throw makeError(`${bytes.byteLength - cursor.offset} bytes after the last of ${count} records`);
  }
  encodedBytes.set(entries, bytes);
  return entries;
}

/** Memory that lives as long as a batch is on its way; small pieces come from Node's pool. */
function allocate(size: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafe(size);
  return new Uint8Array(buffer, byteOffset, size);
}

function payloadOf(entry: Entry): Uint8Array {
  const { kind, membership } = entry;
  if ((membership !== null) !== (kind === 'membership')) {
    throw new RangeError(`a ${kind} entry ${membership === null ? 'without' : 'with'} a membership`);
  }
  if (kind !== 'normal' && entry.payload.byteLength > 0) {
    throw new RangeError(`a ${kind} entry with a payload`);
  }
  const payload = membership === null ? entry.payload : encodeMembership(membership);
  if (payload.byteLength > MAX_RECORD_BYTES - RECORD_HEADER_BYTES) {
    throw new RangeError(`a payload of ${payload.byteLength} bytes does not fit a record of ${MAX_RECORD_BYTES}`);
  }
  return payload;
}

/** Returns where the next record goes. */
function putRecord(bytes: Uint8Array, at: number, entry: Entry, payload: Uint8Array): number {
  const { term, index } = entry.logId;
  if (index === 0) {
    throw new RangeError('the first entry of a log has index 1, not 0');
  }
  bytes[at + 4] = RECORD_FORMAT_VERSION;
  bytes[at + 5] = KIND_NUMBERS[entry.kind];
  bytes[at + 6] = 0;
  bytes[at + 7] = 0;
  putU32(bytes, at + 8, payload.byteLength);
  putCounter(bytes, at + 12, term);
  putCounter(bytes, at + 20, index);
  putCounter(bytes, at + 28, entry.timeMs);
  bytes.set(payload, at + RECORD_HEADER_BYTES);
  const end = at + RECORD_HEADER_BYTES + payload.byteLength;
  putU32(bytes, at, crc32(bytes.subarray(at + CRC_BYTES, end)));
  return end;
}

/** Reads one record after the other. */
class RecordCursor {
  offset: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #problem: MakeError;

  constructor(bytes: Uint8Array, offset: number, makeError: MakeError) {
    this.offset = offset;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#problem = (problem, cause) => makeError(`at byte ${this.offset}: ${problem}`, cause);
  }

  next(): Entry {
    const at = this.offset;
    const size = this.#checkedSize();
    const expectedCrc = this.#view.getUint32(at, true);
    const crc = crc32(this.#bytes.subarray(at + CRC_BYTES, at + size));
    if (crc !== expectedCrc) {
      throw this.#problem(`the checksum is ${hex(crc)} instead of ${hex(expectedCrc)}`);
    }
    const entry = this.#entry(size - RECORD_HEADER_BYTES);
    this.offset = at + size;
    return entry;
  }

  skip(): { readonly index: LogIndex; readonly nextOffset: number } {
    const size = this.#checkedSize();
    return { index: this.#counter(this.offset + 20), nextOffset: this.offset + size };
  }

  /** The length of the record, all of which is there. */
  #checkedSize(): number {
    const left = this.#bytes.byteLength - this.offset;
    if (left < RECORD_HEADER_BYTES) {
      throw this.#problem(`a header has ${RECORD_HEADER_BYTES} bytes, but only ${left} are left`);
    }
    const version = this.#view.getUint8(this.offset + 4);
    if (version !== RECORD_FORMAT_VERSION) {
      throw this.#problem(`format version ${version}, but this release reads only version ${RECORD_FORMAT_VERSION}`);
    }
    const size = RECORD_HEADER_BYTES + this.#view.getUint32(this.offset + 8, true);
    if (size > MAX_RECORD_BYTES) {
      throw this.#problem(`a record of ${size} bytes, but at most ${MAX_RECORD_BYTES} are allowed`);
    }
    if (size > left) {
      throw this.#problem(`a record of ${size} bytes, but only ${left} are left`);
    }
    return size;
  }

  #entry(payloadBytes: number): Entry {
    const at = this.offset;
    const kind = this.#view.getUint8(at + 5);
    const flags = this.#view.getUint16(at + 6, true);
    const id = logId(this.#counter(at + 12), this.#counter(at + 20));
    const timeMs = this.#counter(at + 28);
    const payload = new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at + RECORD_HEADER_BYTES, payloadBytes);
    if (flags === 0 && id.index > 0) {
      if (kind === KIND_NUMBERS.normal) {
        return normalEntry(id, timeMs, payload);
      }
      if (kind === KIND_NUMBERS.blank && payloadBytes === 0) {
        return blankEntry(id, timeMs);
      }
      if (kind === KIND_NUMBERS.membership) {
        return membershipEntry(id, timeMs, decodeMembership(payload, this.#problem));
      }
    }
    throw this.#problem(`kind ${kind}, flags ${flags}, index ${id.index} and ${payloadBytes} bytes of payload`);
  }

  #counter(at: number): number {
    const high = this.#view.getUint32(at + 4, true);
    if (high > HIGH_MAX) {
      throw this.#problem('an integer beyond 2^53 - 1');
    }
    return high * TWO_TO_32 + this.#view.getUint32(at, true);
  }
}
