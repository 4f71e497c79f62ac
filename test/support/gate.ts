/** Holds something up until a test lets it go on. */

export class Gate {
  readonly opened: Promise<void>;
  readonly #resolve: () => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.opened = promise;
    this.#resolve = resolve;
  }

  open(): void {
    this.#resolve();
  }
}
