/** What is wrong with one simulated disk, and how long its operations take. */
import type { DiskFault, DiskFaults, DiskOperation } from '../../disk/disk-faults.ts';
import { systemError } from '../../disk/disk-faults.ts';
import type { SimProcess } from '../time/sim-process.ts';
import type { SimRandom } from '../time/sim-random.ts';

/** Operations that wait for the disk itself. */
const DURABLE_OPERATIONS: ReadonlySet<DiskOperation['type']> = new Set(['commit', 'sync', 'sync-directory']);
const WRITE_OPERATIONS: ReadonlySet<DiskOperation['type']> = new Set(['commit', 'write', 'truncate', 'rename']);

/** Which operations fail: `write` also stands for the commits of a database. */
export type FailingOperation = 'write' | 'sync' | 'read';

export interface PlannedFailure {
  readonly operation: FailingOperation;
  /** How many such operations still succeed. */
  readonly after: number;
}

export class DiskConditions implements DiskFaults {
  readonly #random: SimRandom;
  readonly #syncMaxMs: number;
  #process: SimProcess | null = null;
  #extraMs = 0;
  #isFull = false;
  #failure: { readonly operation: FailingOperation; left: number } | null = null;
  #failures = 0;

  constructor(random: SimRandom, syncMaxMs: number) {
    this.#random = random;
    this.#syncMaxMs = syncMaxMs;
  }

  /** How many operations have failed in this life of the node. */
  get failures(): number {
    return this.#failures;
  }

  /** A new process uses the disk. */
  attach(process: SimProcess): void {
    this.#process = process;
    this.#failures = 0;
  }

  /** Everything that must reach the disk takes this much longer. */
  slowDown(extraMs: number): void {
    this.#extraMs = extraMs;
  }

  setFull(isFull: boolean): void {
    this.#isFull = isFull;
  }

  failOnce({ operation, after }: PlannedFailure): void {
    this.#failure = { operation, left: after };
  }

  heal(): void {
    this.#extraMs = 0;
    this.#isFull = false;
    this.#failure = null;
  }

  before(operation: DiskOperation): DiskFault | null | Promise<DiskFault | null> {
    const process = this.#process;
    if (process === null || !process.portCall()) return new Promise(() => undefined);
    const fault = this.#fault(operation);
    if (fault !== null) this.#failures += 1;
    const delayMs = this.#delayMs(operation);
    if (delayMs === 0) return fault;
    return new Promise((resolve) => process.ioAfter(delayMs, () => resolve(fault)));
  }

  #delayMs({ type }: DiskOperation): number {
    if (!DURABLE_OPERATIONS.has(type)) return 0;
    return this.#extraMs + this.#random.between(0, this.#syncMaxMs);
  }

  #fault(operation: DiskOperation): DiskFault | null {
    if (this.#isFull && WRITE_OPERATIONS.has(operation.type))
      return { error: systemError('ENOSPC', operation), doneBytes: 0 };
    const failure = this.#failure;
    if (failure === null || !isMeant(failure.operation, operation)) return null;
    failure.left -= 1;
    if (failure.left >= 0) return null;
    this.#failure = null;
    return { error: systemError('EIO', operation), doneBytes: this.#random.below(operation.bytes + 1) };
  }
}

function isMeant(failing: FailingOperation, { type }: DiskOperation): boolean {
  switch (failing) {
    case 'write':
      return WRITE_OPERATIONS.has(type);
    case 'sync':
      return DURABLE_OPERATIONS.has(type);
    case 'read':
      return type === 'read';
  }
}
