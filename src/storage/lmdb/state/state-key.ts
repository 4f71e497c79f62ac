/**
 * Keys as bytes, in an order that is the same on every node and of every release:
 *
 * ```text
 *   row key = 0x02 | text of the table name | key
 *   key     = 0x03 | number                       64 bits, big-endian, see numberBytes
 *           | 0x04 | text
 *           | 0x05 | key*                         the parts of a list
 *   text    = UTF-8, each byte 0x00 as 0x00 0xff | 0x00
 * ```
 *
 * Numbers come first, then texts, then lists. Byte order is number order, code point order, and for lists the order of
 * the first part that differs; a list comes before those that continue it. No key ends where another goes on with 0xff,
 * so that everything below a prefix lies in `[prefix, prefix + 0xff)`.
 *
 * A byte is kept as a character of 0 to 255: strings can be compared, and are the keys of a `Map`, without a buffer.
 */

/** What a row can be found by. Lists are compared part by part. */
export type StateKey = string | number | readonly (string | number)[];

/** Bytes of a row, one a character. */
export type RowKey = string;

/** Rows in `[from, to)`. */
export interface RowRange {
  readonly from: RowKey;
  readonly to: RowKey;
  /** From the last one to the first. */
  readonly isReverse: boolean;
  /** Leaves out `from`; not in reverse. Default `false`. */
  readonly isAfterFrom?: boolean;
}

/** Which rows of a table; all of them when nothing is said. */
export interface KeyRange<Key extends StateKey> {
  /** The first key, inclusive. */
  readonly from?: Key;
  /** The end, exclusive. */
  readonly to?: Key;
  /** Instead of the two: texts that begin with a text, or lists that begin with these parts. */
  readonly prefix?: string | readonly (string | number)[];
  /** From the last row to the first. Default `false`. */
  readonly reverse?: boolean;
}

/** The longest key that LMDB takes on every platform, with the name of its table. */
export const ROW_KEY_BYTES_MAX = 1978;

const ROW = '\x02';
const NUMBER = '\x03';
const TEXT = '\x04';
const LIST = '\x05';
const END = '\x00';
const ESCAPED = '\x00\xff';
const BEYOND = '\xff';

/** All rows of all tables. */
export const ALL_ROWS: RowRange = Object.freeze({ from: ROW, to: NUMBER, isReverse: false });

const NUMBER_BYTES = 8;
const scratch = Buffer.alloc(NUMBER_BYTES);

/** What all keys of a table begin with. */
export function tablePrefix(table: string): RowKey {
  if (table === '') throw new TypeError('a table needs a name');
  return `${ROW}${textBytes(table)}${END}`;
}

export function rowKey(prefix: RowKey, key: StateKey): RowKey {
  const bytes = prefix + keyBytes(key);
  if (bytes.length > ROW_KEY_BYTES_MAX) {
    throw new RangeError(`a key of ${bytes.length} bytes with its table, more than ${ROW_KEY_BYTES_MAX}`);
  }
  return bytes;
}

/** @throws TypeError when `prefix` is combined with `from` or `to` */
export function rowRange<Key extends StateKey>(prefix: RowKey, range: KeyRange<Key>): RowRange {
  const isReverse = range.reverse === true;
  if (range.prefix !== undefined) {
    if (range.from !== undefined || range.to !== undefined) throw new TypeError("pass 'prefix', or 'from' and 'to'");
    const bytes = checkedLength(prefix + prefixBytes(range.prefix));
    return { from: bytes, to: bytes + BEYOND, isReverse };
  }
  const from = range.from === undefined ? prefix : rowKey(prefix, range.from);
  const to = range.to === undefined ? prefix + BEYOND : rowKey(prefix, range.to);
  return { from, to, isReverse };
}

/** The key of a row of the table with this prefix. The bytes are those that `rowKey` made. */
export function keyOf(prefix: RowKey, row: RowKey): StateKey {
  const reader = { bytes: row, at: prefix.length };
  if (row[reader.at] !== LIST) return readPart(reader);
  reader.at += 1;
  const parts: (string | number)[] = [];
  while (reader.at < row.length) parts.push(readPart(reader));
  return parts;
}

function checkedLength(bytes: RowKey): RowKey {
  // One byte less than a key may have, because the end of the range is one longer.
  if (bytes.length >= ROW_KEY_BYTES_MAX) {
    throw new RangeError(`a prefix of ${bytes.length} bytes with its table; keys have at most ${ROW_KEY_BYTES_MAX}`);
  }
  return bytes;
}

function keyBytes(key: StateKey): string {
  return typeof key === 'object' ? LIST + partsBytes(key) : partBytes(key);
}

function prefixBytes(prefix: string | readonly (string | number)[]): string {
  return typeof prefix === 'string' ? TEXT + textBytes(prefix) : LIST + partsBytes(prefix);
}

function partsBytes(parts: readonly (string | number)[]): string {
  if (!Array.isArray(parts)) throw notAKey(parts);
  let bytes = '';
  for (const part of parts) bytes += partBytes(part);
  return bytes;
}

function partBytes(part: string | number): string {
  if (typeof part === 'string') return `${TEXT}${textBytes(part)}${END}`;
  if (typeof part === 'number') return NUMBER + numberBytes(part);
  throw notAKey(part);
}

function notAKey(value: unknown): TypeError {
  return new TypeError(`${String(value)} is no key: use a string, a number, or a list of them`);
}

/** An IEEE double with the sign bit turned round, negative ones with all others too: then bytes compare as numbers. */
function numberBytes(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`${value} is no key: use a finite number`);
  // The two zeros are one key.
  scratch.writeDoubleBE(value + 0, 0);
  invert(scratch, value < 0);
  return scratch.toString('latin1');
}

function readNumber(bytes: string): number {
  scratch.write(bytes, 'latin1');
  invert(scratch, (scratch[0] ?? 0) < 0x80);
  return scratch.readDoubleBE(0);
}

function invert(bytes: Buffer, isNegative: boolean): void {
  if (isNegative) for (const [i, byte] of bytes.entries()) bytes[i] = byte ^ 0xff;
  else bytes[0] = (bytes[0] ?? 0) ^ 0x80;
}

function textBytes(text: string): string {
  if (isPlain(text)) return text;
  if (!text.isWellFormed()) throw new RangeError(`${JSON.stringify(text)} holds half of a surrogate pair`);
  return Buffer.from(text).toString('latin1').replaceAll(END, ESCAPED);
}

function readPart(reader: { readonly bytes: string; at: number }): string | number {
  const { bytes } = reader;
  const start = reader.at + 1;
  if (bytes[reader.at] === NUMBER) {
    reader.at = start + NUMBER_BYTES;
    return readNumber(bytes.slice(start, reader.at));
  }
  let end = bytes.indexOf(END, start);
  while (bytes[end + 1] === BEYOND) end = bytes.indexOf(END, end + 2);
  reader.at = end + 1;
  const text = bytes.slice(start, end);
  return isPlain(text) ? text : Buffer.from(text.replaceAll(ESCAPED, END), 'latin1').toString();
}

/** ASCII without the end mark is its own encoding. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0 || code > 0x7f) return false;
  }
  return true;
}
