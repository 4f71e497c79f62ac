/** Looks at a database file before LMDB maps it: LMDB trusts its file, and a process that maps a damaged one may die. */
import type { FileHandle } from 'node:fs/promises';
import { open, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptionError, StorageError } from '../../errors.ts';
import type { PageRoots } from './lmdb-pages.ts';
import { findPageProblem, NO_PAGE } from './lmdb-pages.ts';

const DATA_FILE = 'data.mdb';

/**
 * ```text
 *   each of the first two pages:   24  magic : u32   28  format : u32   48  page size : u32   88  root of the free list : u64
 *                                 136  root : u64   144  last page : u64   152  transaction : u64
 * ```
 */
const MAGIC = 0xbeefc0de;
const FORMAT = 2;
const META_BYTES = 160;
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
  /** Follow the pages in any case, which takes longer. Not while somebody writes to the file. Default `false`. */
  readonly allPages?: boolean;
}

/**
 * Resolves with `false` when there is no database yet.
 * @throws CorruptionError when the file is not a whole LMDB database
 */
export async function checkDataFile(
  directory: string,
  { allPages = false }: DataFileCheckOptions = {},
): Promise<boolean> {
  const path = join(directory, DATA_FILE);
  const file = await openIfThere(path);
  if (file === null) return false;
  try {
    const { size } = await file.stat();
    // A crash may have come between the making of the file and its first write: nothing was promised then.
    if (size === 0) return false;
    const newest = await readNewestMeta(file);
    if (newest === null) throw damaged(path, 'the pages that tell its newest state are not those of an LMDB database');
    // Pages at the end that are free need not be there: so all that are in use must be looked at, which is rare.
    const isWhole = size >= (newest.lastPage + 1) * newest.pageSize;
    const problem = isWhole && !allPages ? null : await findPageProblem(file, newest);
    if (problem !== null) throw damaged(path, problem);
    return true;
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
async function readNewestMeta(file: FileHandle): Promise<PageRoots | null> {
  const even = await readMeta(file, 0);
  const odd = even === null ? null : await readMeta(file, even.pageSize);
  if (even === null || odd === null || odd.pageSize !== even.pageSize) return null;
  const isNew = even.txn === 0n && odd.txn === 0n;
  const areInTurn = even.txn % 2n === 0n && (odd.txn === even.txn + 1n || odd.txn === even.txn - 1n);
  if (!isNew && !areInTurn) return null;
  return odd.txn > even.txn ? odd : even;
}

async function readMeta(file: FileHandle, position: number): Promise<PageRoots | null> {
  const bytes = Buffer.alloc(META_BYTES);
  const { bytesRead } = await file.read(bytes, 0, META_BYTES, position);
  if (bytesRead < META_BYTES || bytes.readUInt32LE(24) !== MAGIC || bytes.readUInt32LE(28) !== FORMAT) return null;
  const pageSize = bytes.readUInt32LE(48);
  const lastPage = bytes.readBigUInt64LE(144);
  if (!PAGE_SIZES.includes(pageSize) || lastPage > BigInt(Math.floor(Number.MAX_SAFE_INTEGER / pageSize))) return null;
  const roots = [88, 136].map((offset) => rootAt(bytes, offset));
  return { pageSize, lastPage: Number(lastPage), txn: bytes.readBigUInt64LE(152), roots };
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
