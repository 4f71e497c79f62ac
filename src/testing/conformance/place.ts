/** Where an adapter under test keeps its data. */

/** One store's home: a directory, a database, a piece of memory. Empty at first. */
export interface Place<Store> {
  /** Makes a store over what this place holds; not opened yet. The one made before is closed by then. */
  make(): Store | Promise<Store>;
  /** Removes the place. */
  remove?(): void | Promise<void>;
}

/** Makes stores over one place, one after the other, and closes them. */
export class PlaceKeeper<Store extends { close(): Promise<void> }> {
  readonly #place: Place<Store>;
  #current: Store | null = null;

  constructor(place: Place<Store>) {
    this.#place = place;
  }

  /** Closes the present store and makes the next one. */
  async next(): Promise<Store> {
    await this.#current?.close();
    this.#current = await this.#place.make();
    return this.#current;
  }

  async close(): Promise<void> {
    try {
      await this.#current?.close();
    } finally {
      await this.#place.remove?.();
    }
  }
}
