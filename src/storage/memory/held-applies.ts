/** Applies that wait while a snapshot needs the state as it is. */
import { StorageError } from '../../errors.ts';

interface Waiting {
  readonly run: () => void;
  readonly reject: (error: unknown) => void;
}

export class HeldApplies {
  readonly #holds = new Set<() => void>();
  #waiting: Waiting[] = [];

  get isHeld(): boolean {
    return this.#holds.size > 0;
  }

  /** Holds applies back until the function that it returns was called, once or more. */
  hold(): () => void {
    const release = (): void => {
      if (this.#holds.delete(release) && this.#holds.size === 0) {
        this.#runAll();
      }
    };
    this.#holds.add(release);
    return release;
  }

  /** Runs an apply when nothing holds it back any more, in the order of the calls. */
  wait<Result>(apply: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      const run = (): void => {
        try {
          resolve(apply());
        } catch (error) {
          reject(error);
        }
      };
      this.#waiting.push({ run, reject });
    });
  }

  /** Rejects what waits. */
  drop(reason: string): void {
    for (const { reject } of this.#takeAll()) {
      reject(new StorageError(`nothing was applied: ${reason}`));
    }
  }

  /** Rejects what waits, and holds nothing back from now on. */
  end(reason: string): void {
    this.#holds.clear();
    this.drop(reason);
  }

  /** At once, so that nothing can be applied before them. */
  #runAll(): void {
    for (const { run } of this.#takeAll()) {
      run();
    }
  }

  #takeAll(): readonly Waiting[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }
}
