/** A look at the state of an `LmdbStateMachine`, if there is one in the directory. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptionError } from '../../../errors.ts';
import type { AppliedState } from '../../../ports/state-machine.ts';
import { checkDataFile } from '../file-check.ts';
import { lmdbError } from '../lmdb-errors.ts';
import { StateEnvironment } from '../state/state-environment.ts';
import { ALL_ROWS } from '../state/state-key.ts';
import type { Finding } from './finding.ts';
import type { Work } from './work.ts';

const STATE_NAME = /^state-(\d{1,15})$/;

export interface StateStatus {
  /** The directory of its database. */
  readonly path: string;
  /** How far it is on the disk; a running node is further in memory. */
  readonly applied: AppliedState;
}

/** `null` when there is none, or its record can't be read. */
export async function surveyState(
  directory: string,
  isInUse: boolean,
  onFinding: (finding: Finding) => void,
): Promise<StateStatus | null> {
  const path = await findState(directory);
  if (path === null) return null;
  return await withState(path, onFinding, async (open) => {
    if (!isInUse) await checkDataFile(path, { pages: 'all' });
    return { path, applied: (await open()).applied() };
  });
}

/** Reads every row. Resolves with how many there are. */
export async function verifyState(path: string, work: Work, onFinding: (finding: Finding) => void): Promise<number> {
  let count = 0;
  await withState(path, onFinding, async (open) => {
    const environment = await open();
    const view = environment.pin();
    try {
      for (const [key, value] of environment.rows(ALL_ROWS, view)) {
        count += 1;
        const turn = work.advance(0, key.length + value.byteLength);
        if (turn !== null) await turn;
      }
    } finally {
      view.done();
    }
    return null;
  });
  return count;
}

async function findState(directory: string): Promise<string | null> {
  try {
    const numbers = (await readdir(directory)).flatMap((name) => Number(STATE_NAME.exec(name)?.[1] ?? 0));
    const newest = Math.max(0, ...numbers);
    return newest === 0 ? null : join(directory, `state-${newest}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw lmdbError('look into it', directory, error);
  }
}

async function withState<T>(
  path: string,
  onFinding: (finding: Finding) => void,
  read: (open: () => Promise<StateEnvironment>) => Promise<T>,
): Promise<T | null> {
  let environment: StateEnvironment | null = null;
  const open = async (): Promise<StateEnvironment> => {
    environment = await StateEnvironment.open(path);
    return environment;
  };
  try {
    return await read(open);
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error;
    onFinding({ severity: 'damage', file: path, index: null, problem: error.message });
    return null;
  } finally {
    // A cast: the compiler does not see that the function above sets it.
    await (environment as StateEnvironment | null)?.close();
  }
}
