/** A state machine whose state is the list of what was applied, and whose calls fail or wait when a test says so. */
import type { Entry } from '../../src/core/entry.ts';
import { NO_LOG_ID } from '../../src/core/ids.ts';
import { NO_MEMBERSHIP } from '../../src/core/membership/membership.ts';
import type { SnapshotMeta } from '../../src/core/message.ts';
import type { AppliedState, StateMachine, StateSnapshot } from '../../src/ports/state-machine.ts';
import { Gate } from './fake-gate.ts';

export type StateMachineCall = 'open' | 'apply' | 'snapshot' | 'chunk' | 'restore' | 'close';

export const LIST_CODEC_ID = 'list/1';

const INITIAL: AppliedState = { lastApplied: NO_LOG_ID, lastTimeMs: 0, membership: NO_MEMBERSHIP };

export class FakeStateMachine implements StateMachine<unknown, unknown> {
  readonly gate: Gate<StateMachineCall> = new Gate<StateMachineCall>();
  /** The texts of all requests that make up the state. */
  state: string[] = [];
  /** Every entry that `apply` was called with, in order, over all restarts. */
  readonly journal: Entry[] = [];
  /** The sizes of the calls of `apply`. */
  readonly batches: number[] = [];
  openViews = 0;
  /** Called before each entry is applied; may throw or let time pass. */
  onApply: (entry: Entry) => void = () => undefined;
  /** What `apply` returns instead of the results. */
  answer: ((results: readonly unknown[]) => readonly unknown[]) | null = null;
  /** How a snapshot's bytes are cut. */
  chunkBytes = 16;
  /** Keeps its state over `close`, like one on disk. */
  isDurable = false;
  #applied: AppliedState = INITIAL;

  async open(): Promise<AppliedState> {
    await this.gate.enter('open');
    if (!this.isDurable) {
      this.state = [];
      this.#applied = INITIAL;
    }
    return this.#applied;
  }

  applied(): AppliedState {
    return this.#applied;
  }

  /** A state that somebody else made. */
  setApplied(applied: AppliedState, state: readonly string[] = []): void {
    this.#applied = applied;
    this.state = [...state];
  }

  apply(entries: readonly Entry[]): readonly unknown[] | Promise<readonly unknown[]> {
    const held = this.gate.enter('apply');
    this.batches.push(entries.length);
    if (held === null) return this.#applyAll(entries);
    return held.then(() => this.#applyAll(entries));
  }

  async snapshot(): Promise<StateSnapshot> {
    await this.gate.enter('snapshot');
    this.openViews += 1;
    const bytes = encodeText(JSON.stringify(this.state));
    return {
      applied: this.#applied,
      codecId: LIST_CODEC_ID,
      chunks: () => this.#chunks(bytes),
      close: async () => {
        this.openViews -= 1;
      },
    };
  }

  async restore(meta: SnapshotMeta, codecId: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await this.gate.enter('restore');
    if (codecId !== LIST_CODEC_ID) throw new Error(`the snapshot is in format ${codecId}`);
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    this.state = JSON.parse(decodeText(Buffer.concat(parts))) as string[];
    this.#applied = { lastApplied: meta.lastLogId, lastTimeMs: meta.lastTimeMs, membership: meta.membership };
  }

  async close(): Promise<void> {
    await this.gate.enter('close');
  }

  async *#chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
    for (let offset = 0; offset < bytes.byteLength; offset += this.chunkBytes) {
      await this.gate.enter('chunk');
      yield bytes.subarray(offset, offset + this.chunkBytes);
    }
  }

  #applyAll(entries: readonly Entry[]): readonly unknown[] {
    const results = entries.map((entry) => this.#applyOne(entry));
    return this.answer === null ? results : this.answer(results);
  }

  #applyOne(entry: Entry): unknown {
    this.onApply(entry);
    this.journal.push(entry);
    const { lastApplied, membership } = this.#applied;
    if (entry.logId.index !== lastApplied.index + 1) {
      throw new Error(`entry ${entry.logId.index} does not follow ${lastApplied.index}`);
    }
    this.#applied = {
      lastApplied: entry.logId,
      lastTimeMs: entry.timeMs,
      membership: entry.membership === null ? membership : { logId: entry.logId, membership: entry.membership },
    };
    if (entry.kind !== 'normal') return undefined;
    const text = decodeText(entry.payload);
    this.state.push(text);
    return `done ${text}`;
  }
}

export function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
