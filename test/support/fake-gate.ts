/** Makes calls fail or wait, as a disk, a network or an application may. */

interface HeldCall {
  readonly name: string;
  readonly open: () => void;
  readonly fail: (error: Error) => void;
}

export class Gate<Name extends string> {
  /** Every call, in order. */
  readonly calls: Name[] = [];
  readonly #failures = new Map<Name, Error>();
  readonly #held: HeldCall[] = [];
  #holding: ReadonlySet<Name> = new Set();

  /** The next call of this name fails. */
  failNext(name: Name, error: Error = new Error(`injected: ${name}`)): void {
    this.#failures.set(name, error);
  }

  /** Calls of these names wait until `release`. */
  hold(...names: readonly Name[]): void {
    this.#holding = new Set(names);
  }

  get heldCount(): number {
    return this.#held.length;
  }

  /** Lets the `index`-th of the waiting calls go. */
  releaseOne(index: number = 0): void {
    this.#held.splice(index, 1)[0]?.open();
  }

  failOne(error: Error, index: number = 0): void {
    this.#held.splice(index, 1)[0]?.fail(error);
  }

  /** Lets all calls go, and further ones pass. */
  release(): void {
    this.#holding = new Set();
    for (const { open } of this.#held.splice(0)) open();
  }

  count(name: Name): number {
    return this.calls.filter((call) => call === name).length;
  }

  /**
   * `null` when the call may pass at once.
   * @throws what `failNext` said
   */
  enter(name: Name): Promise<void> | null {
    this.calls.push(name);
    const failure = this.#failures.get(name);
    if (failure !== undefined) {
      this.#failures.delete(name);
      throw failure;
    }
    if (!this.#holding.has(name)) return null;
    return new Promise((open, fail) => this.#held.push({ name, open, fail }));
  }
}
