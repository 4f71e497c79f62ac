/**
 * Where a state is on the disk, and how it is replaced as a whole:
 *
 * ```text
 *   <directory>/LOCK          keeps other processes out
 *   <directory>/state-7/      the state: the one with the greatest number
 *   <directory>/building-8/   the next one, not whole yet
 * ```
 *
 * A state is built and synced under another name, then gets its own by one rename. So the greatest number is always a
 * whole state: after a crash at any instant it is the old one or the new one. What is left over goes at the next start.
 */
import { join } from 'node:path';
import { systemFileSystem } from '../../../system/system-file-system.ts';
import type { DirectoryLock } from '../directory-lock.ts';
import { lockDirectory } from '../directory-lock.ts';
import { checkFileSystem } from '../file-check.ts';
import { lmdbError } from '../lmdb-errors.ts';
import { StateEnvironment } from './state-environment.ts';

const { list, makeDirectory, remove, rename, syncDirectory } = systemFileSystem;

const STATE_NAME = /^state-(\d{1,15})$/;
const BUILDING_NAME = /^building-\d+$/;

/** The directory of one state machine, locked. */
export class StateDirectory {
  readonly path: string;
  readonly #lock: DirectoryLock;
  #number: number;

  private constructor(path: string, lock: DirectoryLock, number: number) {
    this.path = path;
    this.#lock = lock;
    this.#number = number;
  }

  /**
   * Makes the directory if need be, locks it and removes what a crash left behind.
   * @throws StorageError when somebody else has it, or it can't be written
   */
  static async open(path: string): Promise<StateDirectory> {
    const lock = await lockDirectory(path);
    try {
      await checkFileSystem(path);
      const names = await list(path);
      const numbers = names.map((name) => Number(STATE_NAME.exec(name)?.[1] ?? 0));
      const newest = Math.max(0, ...numbers);
      const left = names.filter(
        (name, i) => BUILDING_NAME.test(name) || (STATE_NAME.test(name) && numbers[i] !== newest),
      );
      for (const name of left) await remove(join(path, name));
      return new StateDirectory(path, lock, newest);
    } catch (error) {
      await lock.release();
      throw lmdbError('open the directory of the state', path, error);
    }
  }

  /** Has there ever been a state? */
  get isEmpty(): boolean {
    return this.#number === 0;
  }

  openState(): Promise<StateEnvironment> {
    return StateEnvironment.open(this.#stateAt(this.#number));
  }

  /**
   * Builds the next state: `fill` puts everything into it. When this rejects, nothing has changed.
   * `publish` puts it in the place of the present one.
   */
  async build(fill: (environment: StateEnvironment) => Promise<void>): Promise<BuiltState> {
    const number = this.#number + 1;
    const building = join(this.path, `building-${number}`);
    try {
      await remove(building);
      await makeDirectory(building);
      const environment = await StateEnvironment.create(building);
      try {
        await fill(environment);
        await environment.sync();
      } finally {
        await environment.close();
      }
      await syncDirectory(building);
    } catch (error) {
      await remove(building);
      throw lmdbError('build a state', building, error);
    }
    return {
      publish: async () => {
        await this.#attempt('put a new state in place', async () => {
          await rename(building, this.#stateAt(number));
          this.#number = number;
          await syncDirectory(this.path);
        });
      },
      discard: () => remove(building),
    };
  }

  /** Removes a state that is not the present one any more. */
  async removeState(environment: StateEnvironment): Promise<void> {
    await this.#attempt('remove an old state', () => remove(environment.place));
  }

  async close(): Promise<void> {
    await this.#lock.release();
  }

  #stateAt(number: number): string {
    return join(this.path, `state-${number}`);
  }

  async #attempt(action: string, run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      throw lmdbError(action, this.path, error);
    }
  }
}

/** A whole state that is on the disk, but is not the present one yet. */
export interface BuiltState {
  publish(): Promise<void>;
  discard(): Promise<void>;
}
