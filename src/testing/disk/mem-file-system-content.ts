/** The bytes of a simulated file: what is on the disk, and what only the page cache holds. */
import type { Random } from '../../ports/random.ts';

/** A disk writes whole sectors: power may fail between two of them, never within one. */
const SECTOR_BYTES = 512;

type Change =
  | { readonly type: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly type: 'resize'; readonly sizeBytes: number };

interface PendingChange {
  readonly change: Change;
  /** A failed sync let go of it: readers see it still, but no later sync brings it to the disk. */
  isLost: boolean;
}

export class FileContent {
  readonly #current: GrowingBytes;
  readonly #durable: GrowingBytes;
  #pending: PendingChange[] = [];

  constructor(bytes: Uint8Array = new Uint8Array()) {
    this.#current = new GrowingBytes(bytes);
    this.#durable = new GrowingBytes(bytes);
  }

  get sizeBytes(): number {
    return this.#current.sizeBytes;
  }

  /** A copy. */
  read(position: number, length: number): Uint8Array {
    return this.#current.slice(position, length);
  }

  write(position: number, bytes: Uint8Array): void {
    if (bytes.byteLength > 0) this.#change({ type: 'write', position, bytes: bytes.slice() });
  }

  truncate(sizeBytes: number): void {
    if (sizeBytes !== this.sizeBytes) this.#change({ type: 'resize', sizeBytes });
  }

  sync(): void {
    for (const { change, isLost } of this.#pending) {
      if (!isLost) apply(this.#durable, change);
    }
    this.#pending = [];
  }

  /** The first `doneBytes` that were written reach the disk; the rest never does, whatever is synced afterwards. */
  failSync(doneBytes: number): void {
    let leftBytes = doneBytes;
    for (const pending of this.#pending) {
      const { change } = pending;
      if (!pending.isLost && change.type === 'write' && leftBytes > 0) {
        const done = change.bytes.subarray(0, leftBytes);
        this.#durable.put(change.position, done);
        leftBytes -= done.byteLength;
      }
      pending.isLost = true;
    }
  }

  /** Damages what is stored, wherever it is stored. */
  flipBit(position: number): void {
    const [at, mask] = [Math.floor(position / 8), 1 << (position % 8)];
    if (at >= this.sizeBytes) throw new RangeError(`bit ${position} is beyond the ${this.sizeBytes} bytes of the file`);
    this.#current.flip(at, mask);
    this.#durable.flip(at, mask);
    for (const { change } of this.#pending) {
      if (change.type !== 'write' || at < change.position) continue;
      const byte = change.bytes[at - change.position];
      if (byte !== undefined) change.bytes[at - change.position] = byte ^ mask;
    }
  }

  /** What is there after a power failure: without `random` only what was synced, else some of the rest too. */
  survivor(random: Random | null): FileContent {
    const bytes = new GrowingBytes(this.#durable.slice(0, this.#durable.sizeBytes));
    const changes = this.#pending.map(({ change }) => change);
    for (const change of random === null ? [] : someOf(changes, random)) apply(bytes, change);
    return new FileContent(bytes.slice(0, bytes.sizeBytes));
  }

  #change(change: Change): void {
    apply(this.#current, change);
    this.#pending.push({ change, isLost: false });
  }
}

function apply(bytes: GrowingBytes, change: Change): void {
  if (change.type === 'write') bytes.put(change.position, change.bytes);
  else bytes.resize(change.sizeBytes);
}

/** None, all, a prefix whose last write is torn, or any sectors in any order of arrival. */
function someOf(changes: readonly Change[], random: Random): readonly Change[] {
  switch (Math.floor(random.next() * 4)) {
    case 0:
      return [];
    case 1:
      return changes;
    case 2: {
      const count = Math.floor(random.next() * (changes.length + 1));
      const torn = changes.slice(count, count + 1).flatMap(inSectors);
      return [...changes.slice(0, count), ...torn.slice(0, Math.floor(random.next() * (torn.length + 1)))];
    }
    default:
      return changes.flatMap(inSectors).filter(() => random.next() < 0.5);
  }
}

function inSectors(change: Change): readonly Change[] {
  if (change.type === 'resize') return [change];
  const { position, bytes } = change;
  const parts: Change[] = [];
  for (let start = 0; start < bytes.byteLength; ) {
    const end = start + SECTOR_BYTES - ((position + start) % SECTOR_BYTES);
    parts.push({ type: 'write', position: position + start, bytes: bytes.subarray(start, end) });
    start = end;
  }
  return parts;
}

/** Bytes that can be written anywhere; a gap holds zeros. */
class GrowingBytes {
  #bytes: Uint8Array;
  #sizeBytes: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes.slice();
    this.#sizeBytes = bytes.byteLength;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  slice(position: number, length: number): Uint8Array {
    return this.#bytes.slice(position, Math.min(position + length, this.#sizeBytes));
  }

  put(position: number, bytes: Uint8Array): void {
    const end = position + bytes.byteLength;
    if (end > this.#sizeBytes) this.resize(end);
    this.#bytes.set(bytes, position);
  }

  resize(sizeBytes: number): void {
    if (sizeBytes < this.#sizeBytes) {
      this.#bytes.fill(0, sizeBytes, this.#sizeBytes);
    } else if (sizeBytes > this.#bytes.byteLength) {
      const grown = new Uint8Array(Math.max(sizeBytes, 2 * this.#bytes.byteLength));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#sizeBytes = sizeBytes;
  }

  flip(at: number, mask: number): void {
    if (at < this.#sizeBytes) this.#bytes[at] = (this.#bytes[at] ?? 0) ^ mask;
  }
}
