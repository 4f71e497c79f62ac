/** Makes a simulated disk fail or stop as the places of a suite must be able to. */
import type { DiskFault, DiskFaults, DiskOperation } from '../disk/disk-faults.ts';
import { systemError } from '../disk/disk-faults.ts';
import type { Place, PlaceFault } from './place.ts';

type OperationType = DiskOperation['type'];

/** What each fault is met by. Of a database both are its commit. */
const TARGETS: Readonly<Record<PlaceFault, readonly OperationType[]>> = {
  write: ['write', 'commit'],
  sync: ['sync', 'sync-directory', 'commit'],
  full: ['write', 'commit', 'make-directory'],
};

/** Reads change nothing on a disk: a process may as well end before the next operation that does. */
const READS: readonly OperationType[] = ['list', 'read'];

/**
 * The faults of one place: pass it to each disk that is made for the place, and hand the calls of the place on to it.
 * `thaw` belongs into `crash`, after what is under way was cut off from the disk.
 */
export class FaultSwitch implements DiskFaults, Required<Pick<Place<unknown>, 'failNext' | 'relieve' | 'freezeAfter'>> {
  #fault: PlaceFault | null = null;
  /** Operations left until the disk freezes; `null` when it does not. */
  #operationsLeft: number | null = null;
  #onFrozen: () => void = () => {};

  failNext(fault: PlaceFault): void {
    this.#fault = fault;
  }

  relieve(): void {
    this.#fault = null;
  }

  freezeAfter(operations: number): Promise<void> {
    this.#operationsLeft = operations;
    return new Promise((resolve) => {
      this.#onFrozen = resolve;
    });
  }

  /** Operations go on; those that met the frozen disk never do. */
  thaw(): void {
    this.#operationsLeft = null;
  }

  before(operation: DiskOperation): DiskFault | null | Promise<DiskFault | null> {
    if (this.#operationsLeft !== null && !READS.includes(operation.type)) {
      if (this.#operationsLeft === 0) {
        this.#onFrozen();
        return new Promise(() => {});
      }
      this.#operationsLeft -= 1;
    }
    return this.#faultOf(operation);
  }

  #faultOf(operation: DiskOperation): DiskFault | null {
    const fault = this.#fault;
    if (fault === null || !TARGETS[fault].includes(operation.type)) {
      return null;
    }
    if (fault !== 'full') {
      this.#fault = null;
    }
    const doneBytes = operation.type === 'write' ? Math.floor(operation.bytes / 2) : 0;
    return { error: systemError(fault === 'full' ? 'ENOSPC' : 'EIO', operation), doneBytes };
  }
}
