/**
 * Durability: what a store said is on the disk is found there by the next process (figure 2, persistent state), a node's
 * own snapshots cover what its log holds on the disk, no more, and what it removes from there, no less (§7), and what a
 * client was told is written is committed, for good (§8).
 */
import type { LogIndex, NodeId } from '../../../core/ids.ts';
import type { SettledCall } from '../observation/client-call.ts';
import type { CommittedLog } from '../observation/committed-log.ts';
import type { LogWrite } from '../observation/log-image.ts';
import type { NodeView } from '../observation/node-view.ts';
import type { Oracle, RestoredState } from './oracle.ts';
import { check } from './oracle.ts';

const STORED = 'durable log';
const SNAPSHOTS = 'snapshots follow the log';
const PURGED = 'snapshots cover what is purged';
const ACKNOWLEDGED = 'acknowledged writes are durable';

/** The snapshots of a process. */
interface SeenSnapshots {
  readonly life: number;
  /** The last one that it found or was sent, which its log need not reach. */
  readonly foreignIndex: LogIndex;
}

export class DurableLog implements Oracle {
  readonly #committed: CommittedLog;
  readonly #acknowledged: SettledCall[] = [];
  readonly #snapshots = new Map<NodeId, SeenSnapshots>();

  constructor(committed: CommittedLog) {
    this.#committed = committed;
  }

  opened({ id, life, disk }: NodeView, isExplained: boolean): void {
    check(isExplained, STORED, () => `node ${id} finds in life ${life} what was not written so: ${disk.describe()}`);
  }

  restored({ id, life }: NodeView, { meta }: RestoredState): void {
    this.#snapshots.set(id, { life, foreignIndex: meta.lastLogId.index });
  }

  settled({ id, life, core, disk }: NodeView): void {
    if (core === null) return;
    const { index } = core.snapshot;
    const seen = this.#snapshots.get(id);
    if (seen?.life !== life) this.#snapshots.set(id, { life, foreignIndex: index });
    else if (index > seen.foreignIndex) {
      const isHeld = index <= disk.lastLogId.index;
      check(isHeld, SNAPSHOTS, () => `node ${id} made a snapshot up to ${index}; on its disk: ${disk.describe()}`);
    }
  }

  issued({ id, life, core }: NodeView, write: LogWrite): void {
    const seen = this.#snapshots.get(id);
    if (write.type !== 'purge' || core === null || seen?.life !== life) return;
    const { index } = write.upTo;
    const coveredIndex = Math.max(core.snapshot.index, seen.foreignIndex);
    check(index <= coveredIndex, PURGED, () => `node ${id} purges up to ${index}, its snapshot covers ${coveredIndex}`);
  }

  returned(call: SettledCall): void {
    if (call.outcome !== 'ok' || call.input.type !== 'write') return;
    this.#acknowledged.push(call);
    this.#check(call);
  }

  ended(): void {
    for (const call of this.#acknowledged) this.#check(call);
  }

  #check({ id, node, input }: SettledCall): void {
    if (input.type !== 'write') return;
    const isCommitted = this.#committed.indexOf(input.request.callId) !== null;
    check(isCommitted, ACKNOWLEDGED, () => `node ${node} says that call ${id} is written, but it is not committed`);
  }
}
