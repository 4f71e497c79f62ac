/** Writes what the core wants durable, in order and in groups, and only then sends what promises it. */
import { joinEntries } from '../codec/record.ts';
import type { InstallSnapshotEffect, OutgoingMessage, PersistEffect } from '../core/effect.ts';
import type { Entry } from '../core/entry.ts';
import type { HardState } from '../core/hard-state.ts';
import type { LogId } from '../core/ids.ts';
import type { Clock } from '../ports/clock.ts';
import type { LogStore } from '../ports/log-store.ts';
import type { Observer } from '../ports/observer.ts';

/** Groups handed to the store and not yet durable; more wait and grow into one larger group. */
const MAX_GROUPS_IN_FLIGHT = 4;

type Work = PersistEffect | InstallSnapshotEffect;

interface Group {
  readonly seq: number;
  readonly messages: readonly OutgoingMessage[];
  readonly startedMs: number;
  isDone: boolean;
}

export interface PersisterParts {
  readonly logStore: LogStore;
  readonly clock: Clock;
  readonly observer: Observer;
  /** Replaces state and log by a received snapshot; durable when it resolves. */
  readonly install: (effect: InstallSnapshotEffect) => Promise<void>;
  readonly onDurable: (seq: number, messages: readonly OutgoingMessage[]) => void;
  /** A write failed: nothing may be written or promised any more. */
  readonly onFailure: (error: unknown) => void;
}

export class Persister {
  readonly #parts: PersisterParts;
  #queue: Work[] = [];
  readonly #inFlight: Group[] = [];
  /** What may go once all writes so far are handed to the store. */
  #purgeTo: LogId | null = null;
  #isInstalling = false;
  #isStopped = false;
  #hasFailed = false;
  #idle: (() => void) | null = null;

  constructor(parts: PersisterParts) {
    this.#parts = parts;
  }

  /** When the oldest write under way was started, monotonic ms; `null` when there is none. */
  get oldestWriteMs(): number | null {
    return this.#inFlight[0]?.startedMs ?? null;
  }

  enqueue(work: Work): void {
    if (this.#isStopped) return;
    this.#queue.push(work);
    this.#pump();
  }

  /** Entries up to here may go. Ordered behind all writes so far; nobody waits for it. */
  purge(upTo: LogId): void {
    if (this.#isStopped) return;
    this.#purgeTo = upTo;
    this.#pump();
  }

  /** Lets a restart know what was committed. Nobody waits for it. */
  saveCommitted(committed: LogId): void {
    if (!this.#isStopped) this.#guard(this.#parts.logStore.saveCommitted(committed));
  }

  /** Takes nothing more; resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#queue = [];
    if (this.#inFlight.length === 0 && !this.#isInstalling) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  #pump(): void {
    while (!this.#isInstalling && this.#queue.length > 0 && this.#inFlight.length < MAX_GROUPS_IN_FLIGHT) {
      const first = this.#queue[0];
      if (first?.type === 'install-snapshot') {
        // What it replaces must be settled first.
        if (this.#inFlight.length > 0) return;
        this.#queue.shift();
        this.#isInstalling = true;
        this.#guard(this.#install(first));
        return;
      }
      this.#guard(this.#write(this.#takeGroup()));
    }
    this.#issuePurge();
  }

  /** Applied entries may still wait for this disk: the log must not be cut beyond what was handed to it. */
  #issuePurge(): void {
    const upTo = this.#purgeTo;
    if (upTo === null || this.#isInstalling || this.#queue.length > 0) return;
    this.#purgeTo = null;
    this.#guard(this.#parts.logStore.purge(upTo));
  }

  #takeGroup(): PersistEffect[] {
    const end = this.#queue.findIndex((work) => work.type === 'install-snapshot');
    return this.#queue.splice(0, end === -1 ? this.#queue.length : end) as PersistEffect[];
  }

  async #write(effects: readonly PersistEffect[]): Promise<void> {
    const { clock, observer } = this.#parts;
    const messages =
      effects.length === 1 ? (effects[0]?.afterDurable ?? []) : effects.flatMap((effect) => effect.afterDurable);
    const group: Group = { seq: effects.at(-1)?.seq ?? 0, messages, startedMs: clock.nowMs(), isDone: false };
    this.#inFlight.push(group);
    const writes = this.#issue(effects);
    if (writes.length === 1) await writes[0];
    else if (writes.length > 1) await Promise.all(writes);
    observer.record('persist.ms', clock.nowMs() - group.startedMs);
    group.isDone = true;
    this.#finish();
  }

  /** The term first: no entry may be on disk in a term that the node could forget. */
  #issue(effects: readonly PersistEffect[]): Promise<void>[] {
    const { logStore } = this.#parts;
    const writes: Promise<void>[] = [];
    const hardState = effects.reduce<HardState | null>((latest, effect) => effect.hardState ?? latest, null);
    if (hardState !== null) writes.push(logStore.saveHardState(hardState));
    let lists: (readonly Entry[])[] = [];
    for (const { truncateFrom, entries } of effects) {
      if (truncateFrom !== null) {
        if (lists.length > 0) writes.push(logStore.append(joinEntries(lists)));
        lists = [];
        writes.push(logStore.truncate(truncateFrom));
      }
      if (entries.length > 0) lists.push(entries);
    }
    if (lists.length > 0) writes.push(logStore.append(joinEntries(lists)));
    return writes;
  }

  async #install(effect: InstallSnapshotEffect): Promise<void> {
    await this.#parts.install(effect);
    this.#isInstalling = false;
    this.#report(effect.seq, effect.afterDurable);
    this.#continue();
  }

  /** Groups are reported in their order, whatever order the store finished them in. */
  #finish(): void {
    let group = this.#inFlight[0];
    while (group?.isDone === true) {
      this.#inFlight.shift();
      this.#report(group.seq, group.messages);
      group = this.#inFlight[0];
    }
    this.#continue();
  }

  #report(seq: number, messages: readonly OutgoingMessage[]): void {
    if (!this.#isStopped) this.#parts.onDurable(seq, messages);
  }

  #continue(): void {
    if (!this.#isStopped) this.#pump();
    else if (this.#inFlight.length === 0 && !this.#isInstalling) this.#idle?.();
  }

  #guard(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#isStopped = true;
      this.#inFlight.length = 0;
      this.#isInstalling = false;
      this.#idle?.();
      if (this.#hasFailed) return;
      this.#hasFailed = true;
      this.#parts.onFailure(error);
    });
  }
}
