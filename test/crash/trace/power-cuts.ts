/** What a disk may hold when the power fails at some moment of a traced run. */
import type { SeededRandom } from '../../../src/testing/conformance/seeded-random.ts';
import type { TracedCall, TracedSync, TracedWrite } from './strace-reader.ts';

/** Power may fail between two sectors, never within one. */
const SECTOR_BYTES = 512;

/** Does the disk keep what it says it keeps? `false` is for the proof that the checks would notice. */
export interface DiskHonesty {
  readonly isHonest: boolean;
}

/** The calls that matter for one file. */
export class TracedFile {
  readonly #writes: readonly TracedWrite[];
  readonly #syncs: readonly TracedSync[];
  readonly #disk: DiskHonesty;

  constructor(calls: readonly TracedCall[], path: string, disk: DiskHonesty = { isHonest: true }) {
    this.#writes = calls.filter((call): call is TracedWrite => call.type === 'write' && call.path === path);
    this.#syncs = calls.filter((call): call is TracedSync => call.type === 'sync' && call.path === path);
    this.#disk = disk;
  }

  /** Everything that is durable behind this line, and of the rest any sectors, as `random` picks them. */
  contentAfter(line: number, random: SeededRandom): Buffer {
    const keep = random.pick<(random: SeededRandom) => boolean>([() => false, () => true, (each) => each.chance(0.5)]);
    const content = new SparseBytes();
    for (const write of this.#writes) {
      if (write.beginLine > line) continue;
      if (this.isDurable(write, line)) content.put(write.position ?? 0, write.bytes);
      else for (const { position, bytes } of sectorsOf(write)) if (keep(random)) content.put(position, bytes);
    }
    return content.bytes;
  }

  /** It was synced after it returned, or by itself. */
  isDurable(write: TracedWrite, line: number): boolean {
    if (write.endLine > line || !this.#disk.isHonest) return false;
    if (write.isSynchronous) return true;
    return this.#syncs.some(({ beginLine, endLine }) => beginLine > write.endLine && endLine <= line);
  }

  get writes(): readonly TracedWrite[] {
    return this.#writes;
  }
}

function sectorsOf({ position, bytes }: TracedWrite): { position: number; bytes: Buffer }[] {
  const sectors: { position: number; bytes: Buffer }[] = [];
  const from = position ?? 0;
  for (let start = 0; start < bytes.byteLength; ) {
    const end = start + SECTOR_BYTES - ((from + start) % SECTOR_BYTES);
    sectors.push({ position: from + start, bytes: bytes.subarray(start, end) });
    start = end;
  }
  return sectors;
}

/** A gap holds zeros. */
class SparseBytes {
  #bytes: Buffer = Buffer.alloc(0);
  #size = 0;

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  put(position: number, bytes: Buffer): void {
    const end = position + bytes.byteLength;
    if (end > this.#bytes.byteLength) {
      const grown = Buffer.alloc(Math.max(end, 2 * this.#bytes.byteLength));
      this.#bytes.copy(grown);
      this.#bytes = grown;
    }
    bytes.copy(this.#bytes, position);
    this.#size = Math.max(this.#size, end);
  }
}
