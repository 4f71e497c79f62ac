/** Follows the pages of an LMDB file by reading it, not by mapping it: whatever is in it, the process survives. */
import type { FileHandle } from 'node:fs/promises';

/** The newest state of a file, as its meta page describes it. */
export interface PageRoots {
  readonly pageSize: number;
  /** The last page that was ever in use. The file may be shorter when the last ones are free. */
  readonly lastPage: number;
  readonly txn: bigint;
  /** Of the free list, then of the main database; `null` when that is empty. */
  readonly roots: readonly (bigint | null)[];
}

/**
 * ```text
 *   page:  0  page number : u64 | transaction : u64 | (unused) : u16   18  flags : u16   20  lower : u16 | upper : u16
 *         24  offsets of nodes, behind the header : u16 ...
 *   node:  0  lo : u16 | hi : u16 | flags : u16 | key bytes : u16 | key | data
 *   long value:  0  first page : u64 | transaction : u64 | pages : u64
 *   database:   40  root page : u64
 * ```
 *
 * In a branch, lo, hi and flags are the page number of a child; in a leaf, lo and hi are the length of the data.
 */
const HEADER_BYTES = 24;
const NODE_BYTES = 8;
const DATABASE_BYTES = 48;
const LONG_VALUE_BYTES = 24;
const NUMBER_BYTES = 8;

const BRANCH = 0x01;
const LEAF = 0x02;
const IS_LONG_VALUE = 0x01;
const IS_DATABASE = 0x02;

/** What stands for the root of an empty database. */
export const NO_PAGE = 0xffff_ffff_ffff_ffffn;

/** A run of pages that something points to. */
interface Reference {
  readonly page: bigint;
  readonly count: bigint;
  /** A page of a tree, to be followed; `null` for a long value. */
  readonly keys: KeyRange | null;
}

/** What the keys of a page must be: ascending, from `low` on and below `high`. */
interface KeyRange {
  /** The free list has numbers as keys, in the order of bytes of the machine. */
  readonly areNumbers: boolean;
  readonly low: Buffer | null;
  readonly high: Buffer | null;
}

const ANY_NUMBER: KeyRange = Object.freeze({ areNumbers: true, low: null, high: null });
const ANY_BYTES: KeyRange = Object.freeze({ areNumbers: false, low: null, high: null });

/**
 * Looks at every page of every tree, or at the first `pagesMax` of them, level by level: a key that is wrong high up
 * would hide whatever lies below it, and nobody would miss it. Not at values, which have checksums of their own, so all
 * pages but those of long values are read. Resolves with what is wrong; `null` when nothing is.
 */
export async function findPageProblem(
  file: FileHandle,
  { pageSize, lastPage, txn, roots }: PageRoots,
  pagesMax: number = Number.POSITIVE_INFINITY,
): Promise<string | null> {
  const { size } = await file.stat();
  const pageBytes = Buffer.allocUnsafeSlow(pageSize);
  const waiting: Reference[] = roots.flatMap((page, root) =>
    page === null ? [] : [{ page, count: 1n, keys: root === 0 ? ANY_NUMBER : ANY_BYTES }],
  );
  let pagesRead = 0;
  // It grows meanwhile.
  for (const { page, count, keys } of waiting) {
    if (page + count > BigInt(lastPage) + 1n) return `it refers to page ${page}, but has ${lastPage + 1}`;
    const end = Number(page + count) * pageSize;
    if (end > size) return `it has ${size} bytes, but should have ${end} at least: its end is missing`;
    if (keys === null) continue;
    if (pagesRead >= pagesMax) return null;
    if (pagesRead > lastPage) return 'its pages refer to each other in a circle';
    pagesRead += 1;
    await file.read(pageBytes, 0, pageSize, Number(page) * pageSize);
    const references = referencesOf(pageBytes, { page, txn, keys });
    if (references === null) return `page ${page} makes no sense`;
    for (const reference of references) waiting.push(reference);
  }
  return null;
}

/**
 * Does the root of the main database stem from this transaction? Whatever a transaction changes, it changes that page,
 * too, and the page stays as it is until the transaction after the next one is complete.
 */
export async function isRootOf(file: FileHandle, { pageSize, lastPage, txn, roots }: PageRoots): Promise<boolean> {
  const root = roots.at(-1) ?? null;
  if (root === null) return true;
  if (root > lastPage) return false;
  const bytes = Buffer.alloc(HEADER_BYTES);
  const { bytesRead } = await file.read(bytes, 0, HEADER_BYTES, Number(root) * pageSize);
  // Behind the end of the file: what follows the pages will say so.
  if (bytesRead < HEADER_BYTES) return true;
  return bytes.readBigUInt64LE(0) === root && bytes.readBigUInt64LE(8) === txn;
}

interface TreePage {
  readonly page: bigint;
  readonly txn: bigint;
  readonly keys: KeyRange;
}

/** What a page of a tree refers to; `null` when it is none, or when its keys are not in order. */
function referencesOf(bytes: Buffer, { page, txn, keys }: TreePage): Reference[] | null {
  const flags = bytes.readUInt16LE(18);
  if (bytes.readBigUInt64LE(0) !== page || bytes.readBigUInt64LE(8) > txn) return null;
  if (flags !== BRANCH && flags !== LEAF) return null;
  const nodes = nodesOf(bytes);
  const ordered = nodes === null ? null : orderedKeys(bytes, nodes, flags === BRANCH, keys);
  if (nodes === null || ordered === null) return null;
  const references: Reference[] = [];
  for (const [position, node] of nodes.entries()) {
    if (flags === BRANCH) {
      const range = { ...keys, low: ordered[position] ?? keys.low, high: ordered[position + 1] ?? keys.high };
      references.push({ page: childOf(bytes, node), count: 1n, keys: range });
    } else if (!addReference(references, bytes, node)) return null;
  }
  return references;
}

/** Where its nodes begin; `null` when one would not lie in the page. */
function nodesOf(bytes: Buffer): number[] | null {
  const lower = bytes.readUInt16LE(20);
  const upper = bytes.readUInt16LE(22);
  if (lower > upper || upper + HEADER_BYTES > bytes.byteLength) return null;
  const nodes: number[] = [];
  for (let offset = 0; offset < lower; offset += 2) {
    const node = HEADER_BYTES + bytes.readUInt16LE(HEADER_BYTES + offset);
    if (node < HEADER_BYTES + upper || node + NODE_BYTES > bytes.byteLength) return null;
    if (node + NODE_BYTES + bytes.readUInt16LE(node + 6) > bytes.byteLength) return null;
    nodes.push(node);
  }
  return nodes;
}

/** The keys of a page, `null` for the first of a branch, which has none. `null` in all when they are not in order. */
function orderedKeys(
  bytes: Buffer,
  nodes: readonly number[],
  isBranch: boolean,
  { areNumbers, low, high }: KeyRange,
): (Buffer | null)[] | null {
  const keys: (Buffer | null)[] = [];
  let least = low;
  for (const [position, node] of nodes.entries()) {
    if (isBranch && position === 0) {
      keys.push(null);
      continue;
    }
    // A copy: the page is overwritten by the next one.
    const key = Buffer.from(bytes.subarray(node + NODE_BYTES, node + NODE_BYTES + bytes.readUInt16LE(node + 6)));
    if (areNumbers && key.byteLength !== NUMBER_BYTES) return null;
    const isAfterPrevious = least === null || compareKeys(key, least, areNumbers) >= (keys.at(-1) == null ? 0 : 1);
    if (!isAfterPrevious || (high !== null && compareKeys(key, high, areNumbers) >= 0)) return null;
    keys.push(key);
    least = key;
  }
  return keys;
}

function compareKeys(a: Buffer, b: Buffer, areNumbers: boolean): number {
  if (!areNumbers) return Buffer.compare(a, b);
  const [left, right] = [a.readBigUInt64LE(0), b.readBigUInt64LE(0)];
  return left === right ? 0 : left < right ? -1 : 1;
}

function childOf(bytes: Buffer, node: number): bigint {
  return BigInt(bytes.readUInt32LE(node)) | (BigInt(bytes.readUInt16LE(node + 4)) << 32n);
}

/** Adds what a node of a leaf refers to, if anything. `false`: it does not lie within its page. */
function addReference(references: Reference[], bytes: Buffer, node: number): boolean {
  const flags = bytes.readUInt16LE(node + 4);
  const data = node + NODE_BYTES + bytes.readUInt16LE(node + 6);
  const isLong = (flags & IS_LONG_VALUE) !== 0;
  const length = isLong ? LONG_VALUE_BYTES : bytes.readUInt32LE(node);
  if (data + length > bytes.byteLength) return false;
  if (isLong) {
    references.push({ page: bytes.readBigUInt64LE(data), count: bytes.readBigUInt64LE(data + 16), keys: null });
  } else if (flags === IS_DATABASE) {
    if (length !== DATABASE_BYTES) return false;
    const root = bytes.readBigUInt64LE(data + 40);
    if (root !== NO_PAGE) references.push({ page: root, count: 1n, keys: ANY_BYTES });
  }
  return true;
}
