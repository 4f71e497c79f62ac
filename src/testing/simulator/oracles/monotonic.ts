/** Terms, commit indexes and applied indexes never go back (figure 2); terms on a disk not even across restarts. */
import type { NodeId } from '../../../core/ids.ts';
import type { CoreView, NodeView } from '../observation/node-view.ts';
import type { Oracle } from './oracle.ts';
import { check } from './oracle.ts';

const PROPERTY = 'monotonic';

const COUNTERS: ReadonlyMap<string, (core: CoreView) => number> = new Map([
  ['the term', (core: CoreView) => core.hardState.term],
  ['the commit index', (core: CoreView) => core.commitIndex],
  ['the applied index', (core: CoreView) => core.applied.index],
  ['the purged index', (core: CoreView) => core.log.purged.index],
  ['the snapshot index', (core: CoreView) => core.snapshot.index],
]);

export class Monotonic implements Oracle {
  /** By node: the values of the counters in this life. */
  readonly #seen = new Map<NodeId, { life: number; readonly values: Map<string, number> }>();
  /** By disk: term and purged index. */
  readonly #disks = new Map<string, { term: number; purged: number }>();

  settled({ id, life, core }: NodeView): void {
    if (core === null) return;
    let seen = this.#seen.get(id);
    if (seen === undefined || seen.life !== life) {
      seen = { life, values: new Map() };
      this.#seen.set(id, seen);
    }
    for (const [name, read] of COUNTERS) {
      const value = read(core);
      const before = seen.values.get(name) ?? 0;
      if (value === before) continue;
      check(value > before, PROPERTY, () => `on node ${id} ${name} goes from ${before} to ${value}`);
      seen.values.set(name, value);
    }
  }

  opened(node: NodeView): void {
    this.#checkDisk(node);
  }

  durable(node: NodeView): void {
    this.#checkDisk(node);
  }

  #checkDisk({ id, diskNumber, disk }: NodeView): void {
    const key = `${id}/${diskNumber}`;
    const before = this.#disks.get(key) ?? { term: 0, purged: 0 };
    const now = { term: disk.hardState.term, purged: disk.purged.index };
    const isLegal = now.term >= before.term && now.purged >= before.purged;
    check(isLegal, PROPERTY, () => `on the disk of node ${id}: ${JSON.stringify(before)}, then ${JSON.stringify(now)}`);
    this.#disks.set(key, now);
  }
}
