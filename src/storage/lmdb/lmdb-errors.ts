/** What LMDB and the system below it say, as errors that name the cause and the cure. */
import { ConsensusError, CorruptionError, StorageError } from '../../errors.ts';

/** LMDB's own codes; those of the system are positive. */
const LMDB_CORRUPTED = new Map<unknown, string>([
  [-30797, 'a page is missing (MDB_PAGE_NOTFOUND)'],
  [-30796, 'a page is damaged (MDB_CORRUPTED)'],
  [-30793, 'the file is no LMDB database (MDB_INVALID)'],
  [-30794, 'the file is of another LMDB format (MDB_VERSION_MISMATCH)'],
]);

const RESTORE = 'restore this node from a backup, or remove it from the cluster and add it as new';

/** By the number that LMDB passes on, and by the name that Node.js uses. */
const CURES = new Map<unknown, string>([
  [1, 'give the process the right to write there (EPERM)'],
  [5, 'the disk failed, or a limit cut a write short (EIO): replace the disk, or raise the limit on the size of files'],
  [12, 'there is not enough memory or address space (ENOMEM)'],
  [13, 'give the process the right to write there (EACCES)'],
  [24, 'the process has too many files open (EMFILE): raise its limit'],
  [27, 'the file may not grow any more (EFBIG): raise the limit on the size of files'],
  [28, 'the disk is full (ENOSPC): make room, then start the node again'],
  [30, 'the file system is read-only (EROFS): mount it for writing'],
  [122, 'the quota is used up (EDQUOT): raise it, then start the node again'],
  [-30792, 'the database can not grow any more (MDB_MAP_FULL): allow the process more address space'],
  [-30790, 'too many processes read the database (MDB_READERS_FULL)'],
  ['EPERM', 'give the process the right to write there (EPERM)'],
  ['EACCES', 'give the process the right to write there (EACCES)'],
  ['ENOSPC', 'the disk is full (ENOSPC): make room, then start the node again'],
  ['EROFS', 'the file system is read-only (EROFS): mount it for writing'],
  ['EDQUOT', 'the quota is used up (EDQUOT): raise it, then start the node again'],
  ['EMFILE', 'the process has too many files open (EMFILE): raise its limit'],
  ['ENOTDIR', 'there is a file where the directory should be (ENOTDIR)'],
]);

/** An error of LMDB or of the system, at `place`, while the store was about to do `action`. */
export function lmdbError(action: string, place: string, error: unknown): ConsensusError {
  if (ConsensusError.is(error)) return error;
  const { code } = error as { readonly code?: unknown };
  const damage = LMDB_CORRUPTED.get(code);
  if (damage !== undefined) return new CorruptionError(`${place}: ${damage}; ${RESTORE}`, error);
  const cure = CURES.get(code);
  return new StorageError(`${place}: can't ${action}${cure === undefined ? '' : `: ${cure}`}`, error);
}

/** A commit that failed tells why in a promise of its own. */
export async function causeOfFailedCommit(error: unknown): Promise<unknown> {
  const { commitError } = error as { readonly commitError?: Promise<unknown> };
  if (commitError === undefined) return error;
  return await commitError.then(
    () => error,
    (cause: unknown) => cause,
  );
}
