/** Where an adapter under test keeps its data, and what can happen to it there. */

/**
 * One store's home: a directory, a database, a piece of memory. Empty at first.
 *
 * Only `make` is needed. What else a place can do is declared in the options of the suite (`capabilities`), each with
 * the methods that belong to it; the cases that need a missing one are listed as not covered.
 */
export interface Place<Store> {
  /**
   * Makes a store over what this place holds; not opened yet. The one made before is closed or crashed by then, except
   * in the cases of `lock`.
   */
  make(): Store | Promise<Store>;
  /** Removes the place, and releases what crashed stores still hold. */
  remove?(): void | Promise<void>;
  /** What an error about damaged data must name, such as the path; absent when there is no such name. */
  readonly location?: string;
  /**
   * For `crash`. The process of the present store ends here: nothing more of it reaches the place. `seed` picks how: as
   * by `kill -9`, with all that was written still there, synced or not; or as by a power cut, with none or some of what
   * was not synced, perhaps with a torn write at the end. A place that can do both finds more. The store is never used
   * or closed again; its promises may stay open. `make` is then a new process.
   */
  crash?(seed: number): void | Promise<void>;
  /**
   * For `crash-points`. Lets that many operations on the disk happen; the next one and all after it don't, and never
   * return. Resolves when the first of those is reached, and never rejects. `crash` ends it.
   */
  freezeAfter?(operations: number): Promise<void>;
  /**
   * For `faults`. The next operation of this kind fails: a write (with some of its bytes written), or a sync. A full
   * disk fails every write until `relieve`.
   */
  failNext?(fault: PlaceFault): void;
  /** For `faults`. The disk is well again, whether it has failed by then or not. */
  relieve?(): void;
}

/** How an operation on a disk fails. A database that only commits fails its next commit for each. */
export type PlaceFault = 'write' | 'sync' | 'full';

/** Makes stores over one place, one after the other, and closes them. */
export class PlaceKeeper<Store extends { close(): Promise<void> }> {
  readonly #place: Place<Store>;
  #current: Store | null = null;
  #isFreezing = false;

  constructor(place: Place<Store>) {
    this.#place = place;
  }

  /** Closes the present store and makes the next one. */
  async next(): Promise<Store> {
    await this.closeStore();
    this.#current = await this.#place.make();
    return this.#current;
  }

  /** Makes a store beside the present one. */
  async beside(): Promise<Store> {
    return await this.#place.make();
  }

  async closeStore(): Promise<void> {
    const store = this.#current;
    this.#current = null;
    await store?.close();
  }

  /** Ends the process of the present store. */
  async crash(seed: number): Promise<void> {
    this.#current = null;
    this.#isFreezing = false;
    await methodOf(this.#place, 'crash')(seed);
  }

  freezeAfter(operations: number): Promise<void> {
    this.#isFreezing = true;
    return methodOf(this.#place, 'freezeAfter')(operations);
  }

  failNext(fault: PlaceFault): void {
    methodOf(this.#place, 'failNext')(fault);
  }

  relieve(): void {
    methodOf(this.#place, 'relieve')();
  }

  async close(): Promise<void> {
    try {
      this.#place.relieve?.();
      if (this.#isFreezing) {
        // A store on a frozen disk would never finish closing.
        await this.crash(0);
      }
      await this.closeStore();
    } finally {
      await this.#place.remove?.();
    }
  }
}

/** An optional method of a place that its suite declares to be there. */
export function methodOf<P extends object, Name extends keyof P>(place: P, name: Name): NonNullable<P[Name]> {
  const method = place[name];
  if (typeof method !== 'function') {
    throw new TypeError(`the place has no ${String(name)}(), which the capabilities of the suite promise`);
  }
  return method.bind(place);
}
