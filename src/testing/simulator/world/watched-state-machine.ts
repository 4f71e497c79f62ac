/** The state machine of a simulated node: tells of all that it does, and may be slow. */
import type { Entry } from '../../../core/entry.ts';
import type { LogId } from '../../../core/ids.ts';
import type { SnapshotMeta } from '../../../core/message.ts';
import type { Codec } from '../../../ports/codec.ts';
import type { AppliedState, StateMachine, StateSnapshot } from '../../../ports/state-machine.ts';
import { digestOf, listOf, registerOf, stateHash } from '../kv/apply-kv.ts';
import type { KvRequest, KvResponse, KvState } from '../kv/kv-types.ts';
import { isListKey } from '../kv/kv-types.ts';
import type { AppliedEntry } from '../observation/node-view.ts';
import type { RestoredState } from '../oracles/oracle.ts';
import type { SimProcess } from '../time/sim-process.ts';

export interface StateMachineWatcher {
  started(applied: LogId): void;
  applied(applied: AppliedEntry): void;
  viewed(state: { readonly applied: LogId; readonly digest: number; readonly stateHash: number }): void;
  restored(restored: RestoredState): void;
}

/** How slow a state machine is. */
export interface ApplyCost {
  readonly msPerEntry: number;
  /** Does it hold up the event loop, or wait for something itself? */
  readonly isBlocking: boolean;
}

type Responses = readonly (KvResponse | undefined)[];

/** A state machine of which the state can be seen. */
export interface KvStateMachine extends StateMachine<KvRequest, KvResponse> {
  readonly state: KvState;
}

export class WatchedStateMachine implements StateMachine<KvRequest, KvResponse> {
  readonly isDurable: boolean;
  readonly #process: SimProcess;
  readonly #watcher: StateMachineWatcher;
  readonly #inner: KvStateMachine;
  cost: ApplyCost | null = null;

  constructor(inner: KvStateMachine, process: SimProcess, watcher: StateMachineWatcher) {
    this.isDurable = inner.isDurable;
    this.#inner = inner;
    this.#process = process;
    this.#watcher = watcher;
  }

  get state(): ReadonlyMap<string, unknown> {
    return this.#inner.state;
  }

  /** What a query sees: a register's value, or a copy of a list. */
  read(key: string): { readonly value: KvResponse | readonly number[]; readonly stateIndex: number } {
    const stored = this.#inner.state.get(key);
    const value = isListKey(key) ? [...listOf(stored)] : registerOf(stored);
    return { value, stateIndex: this.#inner.applied().lastApplied.index };
  }

  async open(codec: Codec<KvRequest, KvResponse>): Promise<AppliedState> {
    const applied = await this.#inner.open(codec);
    this.#watcher.started(applied.lastApplied);
    return applied;
  }

  applied(): AppliedState {
    return this.#inner.applied();
  }

  apply(entries: readonly Entry[]): Responses | Promise<Responses> {
    const { cost } = this;
    if (cost === null) return this.#apply(entries);
    const ms = cost.msPerEntry * entries.length;
    if (!cost.isBlocking) return this.#applyLater(entries, ms);
    this.#process.spend(ms);
    return this.#apply(entries);
  }

  async snapshot(): Promise<StateSnapshot> {
    const { state } = this.#inner;
    const { lastApplied } = this.#inner.applied();
    const found = { applied: lastApplied, digest: digestOf(state), stateHash: stateHash(state) };
    const snapshot = await this.#inner.snapshot();
    if (snapshot.applied.lastApplied.index === lastApplied.index) this.#watcher.viewed(found);
    return snapshot;
  }

  async restore(meta: SnapshotMeta, codecId: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#inner.restore(meta, codecId, chunks);
    const { state } = this.#inner;
    this.#watcher.restored({ meta, digest: digestOf(state), stateHash: stateHash(state) });
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #applyLater(entries: readonly Entry[], ms: number): Promise<Responses> {
    await new Promise<void>((resolve) => this.#process.ioAfter(ms, resolve));
    return await this.#apply(entries);
  }

  #apply(entries: readonly Entry[]): Responses | Promise<Responses> {
    const responses = this.#inner.apply(entries);
    if (responses instanceof Promise) {
      return responses.then((ready) => {
        this.#tell(entries, ready);
        return ready;
      });
    }
    this.#tell(entries, responses);
    return responses;
  }

  #tell(entries: readonly Entry[], responses: Responses): void {
    for (const [position, entry] of entries.entries()) this.#watcher.applied({ entry, response: responses[position] });
  }
}
