/** One node of a simulated cluster: a machine with a disk, on which a process runs or does not. */
import type { LogId, NodeId } from '../../../core/ids.ts';
import type { Membership } from '../../../core/membership/membership.ts';
import type { CoreState } from '../../../core/state.ts';
import type { ConsensusNode } from '../../../node/consensus-node.ts';
import { ConsensusNodeBuilder } from '../../../node/consensus-node-builder.ts';
import type { ConsensusConfig } from '../../../runtime/config.ts';
import { MemStateMachine } from '../../../storage/memory/mem-state-machine.ts';
import { SimDisk } from '../disk/sim-disk.ts';
import { applyKv } from '../kv/apply-kv.ts';
import { DurableKv } from '../kv/durable-kv.ts';
import { kvCodec } from '../kv/kv-codec.ts';
import type { KvRequest, KvResponse, KvState } from '../kv/kv-types.ts';
import { addressOf } from '../network/addresses.ts';
import type { SimFabric } from '../network/sim-fabric.ts';
import { SimNetwork } from '../network/sim-network.ts';
import type { LogImage } from '../observation/log-image.ts';
import type { CoreView, NodeView } from '../observation/node-view.ts';
import { WatchedLogStore } from '../observation/watched-log-store.ts';
import type { OracleBoard } from '../oracles/oracle-board.ts';
import { SimProcess } from '../time/sim-process.ts';
import type { SimRandom } from '../time/sim-random.ts';
import type { Timeline } from '../time/timeline.ts';
import type { Trace } from '../trace.ts';
import type { KvStateMachine } from './watched-state-machine.ts';
import { WatchedStateMachine } from './watched-state-machine.ts';

export type KvNode = ConsensusNode<KvRequest, KvResponse>;

/**
 * - `down`: no process. - `starting`: it opens its stores. - `up`: it takes calls.
 * - `failed`: it could not start, or stopped by itself; the process has ended.
 */
export type NodeStatus = 'down' | 'starting' | 'up' | 'failed';

export interface SimNodeParts {
  readonly timeline: Timeline;
  readonly fabric: SimFabric;
  readonly board: OracleBoard;
  readonly trace: Trace;
  readonly random: SimRandom;
  readonly config: Partial<ConsensusConfig>;
  readonly isStateDurable: boolean;
  readonly syncMaxMs: number;
  /** Part by which the node's clock may be wrong. */
  readonly driftMax: number;
  readonly maxInFlight: number;
  /** A process ended by itself. */
  readonly onFailed: (node: SimNode, error: unknown) => void;
}

export class SimNode implements NodeView {
  readonly id: NodeId;
  readonly #parts: SimNodeParts;
  readonly #random: SimRandom;
  #life = 0;
  #diskNumber = 1;
  #status: NodeStatus = 'down';
  #process: SimProcess | null = null;
  #node: KvNode | null = null;
  #core: CoreState | null = null;
  #lastMembership: Membership | null = null;
  #network: SimNetwork | null = null;
  #stateMachine: WatchedStateMachine | null = null;
  #disk: SimDisk;
  readonly #oldDisks: LogImage[] = [];
  #clock = { rate: 1, wallOffsetMs: 0 };
  #seen: readonly unknown[] = [];
  #isLeaving = false;
  /** Something on the disk is not as it was written. */
  #isDamaged = false;
  readonly #onEnd = new Set<() => void>();

  constructor(id: NodeId, parts: SimNodeParts) {
    this.id = id;
    this.#parts = parts;
    this.#random = parts.random.fork(`node-${id}`);
    this.#disk = this.#newDisk();
    const { driftMax } = parts;
    this.#clock = {
      rate: this.#random.between(1 - driftMax, 1 + driftMax),
      wallOffsetMs: this.#random.between(-500, 500),
    };
  }

  get life(): number {
    return this.#life;
  }

  get diskNumber(): number {
    return this.#diskNumber;
  }

  get status(): NodeStatus {
    return this.#status;
  }

  get isUp(): boolean {
    return this.#status === 'up';
  }

  get core(): CoreView | null {
    return this.#core;
  }

  /** The newest membership that it knows, or knew when it was last up: it may act by that again. */
  get lastMembership(): Membership | null {
    return this.#core?.membership.effective.membership ?? this.#lastMembership;
  }

  get log(): LogImage {
    return this.#disk.journal.issued;
  }

  get disk(): LogImage {
    return this.#disk.journal.durable;
  }

  /** All that this node ever had on disks, the current one first. */
  get disks(): readonly LogImage[] {
    return [this.disk, ...this.#oldDisks];
  }

  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  get simDisk(): SimDisk {
    return this.#disk;
  }

  get process(): SimProcess | null {
    return this.#process;
  }

  get stateMachine(): WatchedStateMachine | null {
    return this.#stateMachine;
  }

  /** The running node, for calls; only from within its process. */
  get node(): KvNode | null {
    return this.#status === 'up' ? this.#node : null;
  }

  /** Names the disk, as the running node tells it. */
  get instanceId(): string | null {
    return this.#node?.metrics().instanceId ?? null;
  }

  /** Calls `listener` once, when the process ends. Returns what ends that. */
  onEnd(listener: () => void): () => void {
    this.#onEnd.add(listener);
    return () => this.#onEnd.delete(listener);
  }

  /** Starts a process with what the disk holds. */
  start(): void {
    if (this.#status === 'up' || this.#status === 'starting') return;
    this.#life += 1;
    this.#status = 'starting';
    const { timeline, trace } = this.#parts;
    trace.note(10, this.id, this.#life);
    if (trace.isOn) trace.line(this.id, `starts, life ${this.#life}, ${this.#disk.journal.describe()}`);
    const process = new SimProcess({
      timeline,
      onSettled: () => this.#onSettled(process),
      startMs: this.#random.below(1_000_000),
      ...this.#clock,
    });
    this.#process = process;
    process.io(() => this.#build(process));
  }

  /** The process is gone from one moment to the next. */
  crash(): void {
    if (this.#process === null) return;
    const { trace } = this.#parts;
    trace.note(11, this.id, this.#life);
    if (trace.isOn) trace.line(this.id, `crashes, ${this.#disk.journal.describe()}`);
    this.#end('down');
  }

  /** Ends the process in order: hands over what it leads, finishes what it began. */
  shutDown(): void {
    const process = this.#process;
    const node = this.#node;
    if (process === null || node === null || this.#isLeaving) return;
    this.#isLeaving = true;
    const { trace } = this.#parts;
    trace.note(15, this.id, this.#life);
    if (trace.isOn) trace.line(this.id, 'shuts down');
    process.io(() => {
      const ended = (): unknown => process.isAlive && this.#end('down');
      node.shutdown().then(ended, ended);
    });
  }

  /** A bit of what is stored turns over. Returns whether there was one. Only while no process runs. */
  damageDisk(): boolean {
    this.#isDamaged = this.#disk.flipBit() || this.#isDamaged;
    return this.#isDamaged;
  }

  /** The disk is replaced by an empty one. Only while no process runs. */
  loseDisk(): void {
    this.#isDamaged = false;
    this.#lastMembership = null;
    this.#oldDisks.push(this.disk);
    this.#diskNumber += 1;
    this.#disk = this.#newDisk();
  }

  setClockRate(rate: number): void {
    this.#clock = { ...this.#clock, rate };
    this.#process?.setRate(rate);
  }

  jumpWallClock(ms: number): void {
    this.#clock = { ...this.#clock, wallOffsetMs: this.#clock.wallOffsetMs + ms };
    this.#process?.jumpWallClock(ms);
  }

  describe(): string {
    const core = this.#core;
    if (core === null) return `n${this.id} ${this.#status} ${this.disk.describe()}`;
    const { membership } = core.membership.effective;
    const sets = membership.configs.map((config) => `{${config.join(',')}}`).join('+');
    const { term, votedFor } = core.hardState;
    return (
      `n${this.id} ${core.role.name} term ${term} vote ${String(votedFor)} leader ${String(core.leaderId)} last ${core.log.lastIndex} ` +
      `durable ${core.durableIndex} commit ${core.commitIndex} applied ${core.applied.index} snapshot ${core.snapshot.index} ` +
      `purged ${core.log.purged.index} voters ${sets} members {${[...membership.nodes.keys()].join(',')}}`
    );
  }

  #newDisk(): SimDisk {
    const { syncMaxMs } = this.#parts;
    return new SimDisk({ random: this.#random.fork(`disk-${this.#diskNumber}`), syncMaxMs });
  }

  #build(process: SimProcess): void {
    const { fabric, config, maxInFlight, board } = this.#parts;
    const { logStore, snapshotStore } = this.#disk.openStores(process);
    const { journal } = this.#disk;
    const addr = addressOf(this.id);
    const network = new SimNetwork({ fabric, process, nodeId: this.id, addr, maxInFlight });
    const isCurrent = (): boolean => process.isAlive;
    const stateMachine = new WatchedStateMachine(this.#makeStateMachine(process), process, {
      started: (applied: LogId) => isCurrent() && board.started(this, applied),
      applied: (applied) => isCurrent() && board.applied(this, applied),
      viewed: (state) => isCurrent() && board.viewed(this, state),
      restored: (restored) => isCurrent() && board.restored(this, restored),
    });
    const watched = new WatchedLogStore(logStore, {
      opened: (state, found) => {
        if (isCurrent()) board.opened(this, journal.reopen(state, found));
      },
      issued: (write) => {
        if (!isCurrent()) return;
        journal.issue(write);
        board.issued(this, write);
      },
      durable: (write) => {
        if (!isCurrent()) return;
        journal.finish(write);
        board.durable(this, write);
      },
    });
    this.#network = network;
    this.#stateMachine = stateMachine;
    new ConsensusNodeBuilder<KvRequest, KvResponse>(this.id, addr)
      .withConfig(config)
      .withCodec(kvCodec)
      .withSnapshotStore(snapshotStore)
      .withPorts({ clock: process, timers: process, random: this.#random.fork(`life-${this.#life}`) })
      .buildWith(watched, stateMachine, network)
      .then(
        (node) => isCurrent() && this.#onBuilt(node),
        (error: unknown) => isCurrent() && this.#onStopped(error),
      );
  }

  #makeStateMachine(process: SimProcess): KvStateMachine {
    if (this.#parts.isStateDurable) return new DurableKv(this.#disk.stateDisk);
    return new MemStateMachine<KvState, KvRequest, KvResponse>({
      initialState: () => new Map(),
      apply: applyKv,
      timers: process,
    });
  }

  #onBuilt(node: KvNode): void {
    this.#status = 'up';
    this.#node = node;
    // The very object that the core works on: looking at it costs nothing.
    node.raft
      .withRaftState((state) => {
        this.#core = state;
      })
      .catch(() => undefined);
    const { trace } = this.#parts;
    trace.note(12, this.id, this.#life);
    if (trace.isOn) trace.line(this.id, 'is up');
  }

  #onSettled(process: SimProcess): void {
    if (process !== this.#process || !process.isAlive) return;
    const stopped = this.#node?.raft.shutdownSignal;
    if (stopped?.aborted === true && !this.#isLeaving) {
      this.#onStopped(stopped.reason);
      return;
    }
    const core = this.#core;
    if (core === null || !this.#hasChanged(core)) return;
    const { trace, board } = this.#parts;
    trace.note(13, this.id, core.hardState.term * 65_536 + core.log.lastIndex, core.commitIndex);
    if (trace.isOn) trace.line(this.id, `is ${this.describe()}`);
    board.settled(this);
  }

  #hasChanged(core: CoreState): boolean {
    const now = [
      core.hardState,
      core.role,
      core.commitIndex,
      core.log.lastIndex,
      core.log.purged,
      core.durableIndex,
      core.applied,
      core.snapshot,
      core.membership.effective,
      core.membership.committed,
    ];
    const seen = this.#seen;
    if (now.every((value, position) => value === seen[position])) return false;
    this.#seen = now;
    return true;
  }

  #onStopped(error: unknown): void {
    const { trace, onFailed } = this.#parts;
    trace.note(14, this.id, this.#life);
    if (trace.isOn) trace.line(this.id, `stops: ${error instanceof Error ? error.message : String(error)}`);
    this.#end('failed');
    onFailed(this, error);
  }

  #end(status: 'down' | 'failed'): void {
    this.#lastMembership = this.lastMembership;
    this.#process?.kill();
    this.#network?.crash();
    this.#disk.crash();
    this.#process = null;
    this.#node = null;
    this.#core = null;
    this.#network = null;
    this.#stateMachine = null;
    this.#seen = [];
    this.#isLeaving = false;
    this.#status = status;
    const listeners = [...this.#onEnd];
    this.#onEnd.clear();
    for (const listener of listeners) listener();
  }
}
