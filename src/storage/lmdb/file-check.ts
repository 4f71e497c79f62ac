/** Looks at a database file before LMDB maps it: LMDB trusts its file, and a process that maps a damaged one may die. */
import type { FileHandle } from 'node:fs/promises';
import { open, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptionError, StorageError } from '../../errors.ts';
import { systemFileSystem } from '../../system/system-file-system.ts';
import type { PageRoots } from './lmdb-pages.ts';
import { findPageProblem, isRootOf, NO_PAGE } from './lmdb-pages.ts';

const DATA_FILE = 'data.mdb';
const MARK_FILE = 'FORMAT';
const MARK = 'zlayer-consensus log 1\n';

/**
 * ```text
 *   each of the first two pages:    18  kind of page : u16    24  magic : u32    28  format : u32
 *         40  map size : u64        48  page size : u32       52  flags : u16
 *         88  root of the free list : u64   136  root : u64  144  last page : u64   152  transaction : u64
 * ```
 */
const META_PAGE = 0x08;
const MAGIC = 0xbeefc0de;
const FORMAT = 2;
const META_BYTES = 160;
/** More than any machine can map. */
const MAP_BYTES_MAX = 2n ** 48n;
const PAGE_SIZES = [4096, 8192, 16_384, 32_768, 65_536];

/** As statfs names them. LMDB needs a memory map that is coherent with writes, and locks that work: these lack them. */
const NETWORK_FILE_SYSTEMS = new Map<number, string>([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0x0102_1997, '9P'],
  [0x5346414f, 'AFS'],
  [0x00c3_6400, 'Ceph'],
  [0x0bd0_0bd0, 'Lustre'],
  [0x0116_1970, 'GFS2'],
]);

/** @throws StorageError when the directory is on a file system that LMDB can't be trusted on */
export async function checkFileSystem(directory: string): Promise<void> {
  const { type } = await statfs(directory);
  const name = NETWORK_FILE_SYSTEMS.get(type >>> 0);
  if (name !== undefined) {
    throw new StorageError(
      `${directory} is on a network file system (${name}): memory maps and locks can't be relied on there; use a local disk`,
    );
  }
}

export interface DataFileCheckOptions {
  /**
   * Which pages to follow: all, however many there are, or the first ones, which is the default. None while somebody may
   * be writing to the file: those that the newest state needs no more are taken for something else then.
   */
  readonly pages?: 'all' | 'first' | 'none';
}

/**
 * So many pages are looked at whenever a file is opened: all that a log of usual length has, and few enough for a slow
 * disk. A damaged one that LMDB meets may end the process.
 */
const PAGES_MAX = 1024;

/**
 * Resolves with `false` when there is no database yet.
 * @throws CorruptionError when the file is not a whole LMDB database
 */
export async function checkDataFile(
  directory: string,
  { pages = 'first' }: DataFileCheckOptions = {},
): Promise<boolean> {
  const path = join(directory, DATA_FILE);
  const isMarked = await hasMark(directory);
  const file = await openIfThere(path);
  if (file === null && isMarked) throw damaged(path, 'it is gone');
  if (file === null) return false;
  try {
    const { size } = await file.stat();
    if (size === 0 && isMarked) throw damaged(path, 'it is empty');
    // A crash may have come between the making of the file and its first write: nothing was promised then.
    if (size === 0) return false;
    const newest = await readNewestMeta(file);
    if (newest === null) throw damaged(path, 'the pages that tell its newest state are not those of an LMDB database');
    if (pages === 'none') return true;
    // Pages at the end that are free need not be there: so all that are in use must be looked at, which is rare.
    const isWhole = size >= (newest.lastPage + 1) * newest.pageSize;
    const problem = await findPageProblem(file, newest, isWhole && pages === 'first' ? PAGES_MAX : undefined);
    if (problem !== null) throw damaged(path, problem);
    return true;
  } finally {
    await file.close();
  }
}

/** Says, from now on, that there is a database: one that is gone is then no new one. It must be on the disk already. */
export async function markDirectory(directory: string): Promise<void> {
  if (await hasMark(directory)) return;
  const file = await systemFileSystem.openForWriting(join(directory, MARK_FILE));
  try {
    await file.write(0, Buffer.from(MARK));
    await file.sync();
  } finally {
    await file.close();
  }
  await systemFileSystem.syncDirectory(directory);
}

/** @throws StorageError when a newer release made the mark */
async function hasMark(directory: string): Promise<boolean> {
  const file = await openIfThere(join(directory, MARK_FILE));
  if (file === null) return false;
  try {
    const found = await file.readFile('utf8');
    // A crash may have come before it was written.
    if (found === MARK || MARK.startsWith(found)) return found === MARK;
    throw new StorageError(`${directory} has the format '${found.trim()}': this release reads only '${MARK.trim()}'`);
  } finally {
    await file.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * Transactions write the two meta pages in turn: numbers that do not follow each other are damaged, and which of the two
 * is the newer one is then unknown. LMDB itself would take the greater one, and lose what was acknowledged.
 */
async function readNewestMeta(file: FileHandle): Promise<Meta | null> {
  const even = await readMeta(file, 0);
  const odd = even === null ? null : await readMeta(file, even.pageSize);
  if (even === null || odd === null || odd.pageSize !== even.pageSize) return null;
  if (odd.flags !== even.flags) return null;
  const isNew = even.txn === 0n && odd.txn === 0n;
  const areInTurn = even.txn % 2n === 0n && (odd.txn === even.txn + 1n || odd.txn === even.txn - 1n);
  if (!isNew && !areInTurn) return null;
  // A damaged number may follow the other one all the same.
  if (!(await isRootOf(file, even)) || !(await isRootOf(file, odd))) return null;
  return odd.txn > even.txn ? odd : even;
}

interface Meta extends PageRoots {
  readonly flags: number;
}

async function readMeta(file: FileHandle, position: number): Promise<Meta | null> {
  const bytes = Buffer.alloc(META_BYTES);
  const { bytesRead } = await file.read(bytes, 0, META_BYTES, position);
  if (bytesRead < META_BYTES || bytes.readUInt16LE(18) !== META_PAGE) return null;
  if (bytes.readUInt32LE(24) !== MAGIC || bytes.readUInt32LE(28) !== FORMAT) return null;
  const pageSize = bytes.readUInt32LE(48);
  const lastPage = bytes.readBigUInt64LE(144);
  const mapBytes = bytes.readBigUInt64LE(40);
  const isInMap = mapBytes <= MAP_BYTES_MAX && (lastPage + 1n) * BigInt(pageSize) <= mapBytes;
  if (!PAGE_SIZES.includes(pageSize) || !isInMap) return null;
  const roots = [88, 136].map((offset) => rootAt(bytes, offset));
  const flags = bytes.readUInt16LE(52);
  return { pageSize, lastPage: Number(lastPage), txn: bytes.readBigUInt64LE(152), roots, flags };
}

function rootAt(bytes: Buffer, offset: number): bigint | null {
  const root = bytes.readBigUInt64LE(offset);
  return root === NO_PAGE ? null : root;
}

function damaged(path: string, problem: string): CorruptionError {
  return new CorruptionError(
    `${path} is damaged: ${problem}; restore this node from a backup, or remove it from the cluster and add it as new`,
  );
}
