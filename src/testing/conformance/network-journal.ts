/** Collects what happens, and lets a case wait for it without a clock. */

export class Journal<T> {
  readonly items: T[] = [];
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  add(item: T): void {
    this.items.push(item);
    for (const waiter of [...this.#waiting]) {
      if (this.items.length >= waiter.count) {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        waiter.resolve();
      }
    }
  }

  /** Resolves with all items as soon as there are `count` of them. */
  async reach(count: number): Promise<readonly T[]> {
    if (this.items.length < count) {
      await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
    }
    return this.items;
  }

  /** Waits for one item and returns the first. */
  async first(): Promise<T> {
    const [item] = await this.reach(1);
    return item as T;
  }
}
