/** Collects the effects of one batch: a single persist for all that must be durable, then the rest in order. */
import type { Effect, OutgoingMessage } from './effect.ts';
import type { Entry } from './entry.ts';
import type { HardState } from './hard-state.ts';
import type { LogIndex, NodeId } from './ids.ts';
import type { DurableLog } from './log/durable-log.ts';
import type { Message, SnapshotMeta } from './message.ts';

export class Outbox {
  readonly #durable: DurableLog;
  #effects: Effect[] = [];
  #writes: Effect[] = [];
  #seq = 0;
  #dirty = false;
  #hardState: HardState | null = null;
  /** The write that holds the current hard state. */
  #hardStateSeq = 0;
  #truncateFrom: LogIndex | null = null;
  #entries: Entry[] = [];
  #afterDurable: OutgoingMessage[] = [];
  /** The log's last index after everything collected so far. */
  #lastIndex: LogIndex;

  constructor(durable: DurableLog, lastIndex: LogIndex) {
    this.#durable = durable;
    this.#lastIndex = lastIndex;
  }

  add(effect: Effect): void {
    this.#effects.push(effect);
  }

  /** Leaves at once, unless the term it is of may still be forgotten (figure 2). */
  send(to: NodeId, message: Message, token = 0): void {
    if (this.#hardStateSeq > this.#durable.completedSeq) this.sendWhenDurable(to, message, token);
    else this.#effects.push({ type: 'send', to, message, token });
  }

  /** The message leaves once everything collected so far, and all earlier writes, are durable. */
  sendWhenDurable(to: NodeId, message: Message, token = 0): void {
    this.#dirty = true;
    this.#afterDurable.push({ to, message, token });
  }

  saveHardState(hardState: HardState): void {
    this.#hardState = hardState;
    this.#hardStateSeq = this.writeSeq();
  }

  truncate(fromIndex: LogIndex): void {
    this.#dirty = true;
    this.#entries = this.#entries.filter((entry) => entry.logId.index < fromIndex);
    this.#truncateFrom = this.#truncateFrom === null ? fromIndex : Math.min(this.#truncateFrom, fromIndex);
    this.#lastIndex = Math.min(this.#lastIndex, fromIndex - 1);
    this.#durable.truncate(fromIndex);
  }

  append(entry: Entry): void {
    this.#dirty = true;
    this.#entries.push(entry);
    this.#lastIndex = entry.logId.index;
  }

  /** The number of the write that will hold what was collected so far; there will be one. */
  writeSeq(): number {
    this.#dirty = true;
    return this.#seq + 1;
  }

  /** Orders the installation behind what was collected so far. Returns its number. */
  installSnapshot(meta: SnapshotMeta, discardLog: boolean, reply: OutgoingMessage, lastIndex: LogIndex): number {
    this.#closeWrite();
    this.#seq += 1;
    this.#lastIndex = lastIndex;
    this.#durable.issue(this.#seq, discardLog ? 1 : null, lastIndex);
    this.#writes.push({ type: 'install-snapshot', seq: this.#seq, meta, discardLog, afterDurable: [reply] });
    return this.#seq;
  }

  /** Hands out everything and starts anew. */
  take(): Effect[] {
    this.#closeWrite();
    const effects = this.#writes.length === 0 ? this.#effects : [...this.#writes, ...this.#effects];
    this.#effects = [];
    this.#writes = [];
    return effects;
  }

  #closeWrite(): void {
    if (!this.#dirty) return;
    this.#seq += 1;
    this.#durable.issue(this.#seq, this.#truncateFrom, this.#lastIndex);
    this.#writes.push({
      type: 'persist',
      seq: this.#seq,
      hardState: this.#hardState,
      truncateFrom: this.#truncateFrom,
      entries: this.#entries,
      afterDurable: this.#afterDurable,
    });
    this.#dirty = false;
    this.#hardState = null;
    this.#truncateFrom = null;
    this.#entries = [];
    this.#afterDurable = [];
  }
}
