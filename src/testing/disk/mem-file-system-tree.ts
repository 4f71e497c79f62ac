/** The directories of a simulated file system: which names are on the disk, and which only in memory. */
import type { Random } from '../../ports/random.ts';
import { FileContent } from './mem-file-system-content.ts';

export type MemNode = MemFile | MemDirectory;

/** A file, whatever its name is. One that was removed lives on until its last handle is closed. */
export class MemFile {
  readonly type = 'file';
  readonly content: FileContent;
  openHandles = 0;
  isRemoved = false;

  constructor(content: FileContent = new FileContent()) {
    this.content = content;
  }

  survivor(random: Random | null): MemFile {
    return new MemFile(this.content.survivor(random));
  }
}

/** What one call did to the names of a directory: all of it survives, or nothing. `null` is a name that is gone. */
export type NameChange = ReadonlyMap<string, MemNode | null>;

interface PendingChange {
  readonly change: NameChange;
  /** A failed sync let go of it: it may still happen to be on the disk, but no later sync brings it there. */
  isLost: boolean;
}

export class MemDirectory {
  readonly type = 'directory';
  readonly #current: Map<string, MemNode>;
  readonly #durable: Map<string, MemNode>;
  #pending: PendingChange[] = [];

  constructor(entries: ReadonlyMap<string, MemNode> = new Map()) {
    this.#current = new Map(entries);
    this.#durable = new Map(entries);
  }

  /** Sorted. */
  get names(): readonly string[] {
    return [...this.#current.keys()].sort();
  }

  get(name: string): MemNode | undefined {
    return this.#current.get(name);
  }

  change(change: NameChange): void {
    apply(this.#current, change);
    this.#pending.push({ change, isLost: false });
  }

  sync(): void {
    for (const { change, isLost } of this.#pending) {
      if (!isLost) apply(this.#durable, change);
    }
    this.#pending = [];
  }

  failSync(): void {
    for (const pending of this.#pending) pending.isLost = true;
  }

  /** All files below, with their paths. */
  *files(path: string): Generator<readonly [string, MemFile], void> {
    for (const name of this.names) {
      const node = this.#current.get(name);
      if (node?.type === 'file') yield [`${path}/${name}`, node];
      else if (node !== undefined) yield* node.files(`${path}/${name}`);
    }
  }

  /** What is there after a power failure: the synced names and, with `random`, the first few changes after them. */
  survivor(random: Random | null): MemDirectory {
    const count = random === null ? 0 : Math.floor(random.next() * (this.#pending.length + 1));
    const entries = new Map(this.#durable);
    for (const { change } of this.#pending.slice(0, count)) apply(entries, change);
    const names = [...entries.keys()].sort();
    const survivors = new Map<string, MemNode>();
    for (const name of names) {
      const node = entries.get(name);
      if (node !== undefined) survivors.set(name, node.survivor(random));
    }
    return new MemDirectory(survivors);
  }
}

function apply(entries: Map<string, MemNode>, change: NameChange): void {
  for (const [name, node] of change) {
    if (node === null) entries.delete(name);
    else entries.set(name, node);
  }
}
