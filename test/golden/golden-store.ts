/** Data as a release wrote it, and what every later one must read. */

/** One directory with data of one kind. */
export interface GoldenStore {
  readonly name: string;
  /** Writes it, the same whenever and wherever that is done. */
  make(directory: string): Promise<void>;
  /** Everything that is in it, as JSON. May change the directory. */
  read(directory: string): Promise<unknown>;
}
