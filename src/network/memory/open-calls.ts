/** Calls that somebody waits for, so that a closing end can let go of all of them at once. */

export class OpenCalls {
  readonly #fails = new Set<(reason: unknown) => void>();

  /** Settles as `work` does, unless the signal aborts or `failAll` is called first. */
  run<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const onAbort = (): void => fail(signal.reason);
      const release = (): void => {
        this.#fails.delete(fail);
        signal.removeEventListener('abort', onAbort);
      };
      const fail = (reason: unknown): void => {
        release();
        reject(reason);
      };
      this.#fails.add(fail);
      signal.addEventListener('abort', onAbort, { once: true });
      work.then((value) => {
        release();
        resolve(value);
      }, fail);
      if (signal.aborted) {
        fail(signal.reason);
      }
    });
  }

  failAll(reason: unknown): void {
    for (const fail of [...this.#fails]) {
      fail(reason);
    }
  }
}
