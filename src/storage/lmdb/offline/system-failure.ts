/** Tells failures of the system from everything else that may be thrown. */
import { lmdbError } from '../lmdb-errors.ts';

/** A failed call of the system, as an error that says what to do; anything else as it is. */
export function explained(action: string, place: string, error: unknown): unknown {
  const isSystemFailure = error instanceof Error && 'syscall' in error;
  return isSystemFailure ? lmdbError(action, place, error) : error;
}
