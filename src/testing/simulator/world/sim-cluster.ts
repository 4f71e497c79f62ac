/** All nodes of a run, with what lies between them and who watches them. */

import type { NodeId } from '../../../core/ids.ts';
import { InvariantViolation } from '../../../core/invariants.ts';
import type { Membership } from '../../../core/membership/membership.ts';
import { FatalError } from '../../../errors.ts';
import { describeMessage } from '../network/describe-message.ts';
import { SimFabric } from '../network/sim-fabric.ts';
import { OracleBoard } from '../oracles/oracle-board.ts';
import type { SimSettings } from '../settings.ts';
import type { SimRandom } from '../time/sim-random.ts';
import { Timeline } from '../time/timeline.ts';
import type { TraceSink } from '../trace.ts';
import { Trace } from '../trace.ts';
import type { SimNodeParts } from './sim-node.ts';
import { SimNode } from './sim-node.ts';

/** A process ended, or a call failed, in a way that nothing explains. */
export interface UnexplainedFailure {
  readonly message: string;
  /** An invariant of the core does not hold. */
  readonly isInvariant: boolean;
}

export class SimCluster {
  readonly settings: SimSettings;
  readonly timeline: Timeline = new Timeline();
  readonly trace: Trace;
  readonly board: OracleBoard;
  readonly fabric: SimFabric;
  readonly #nodes = new Map<NodeId, SimNode>();
  readonly #nodeParts: SimNodeParts;
  #failure: UnexplainedFailure | null = null;
  /** Told when a process ended by itself for a reason that it was given. */
  onStopped: (node: SimNode) => void = () => undefined;
  /** Nodes whose data is lost: they must be replaced. */
  readonly lost: Set<SimNode> = new Set();

  constructor(settings: SimSettings, random: SimRandom, sink: TraceSink | null) {
    this.settings = settings;
    this.trace = new Trace(() => this.timeline.nowMs, sink);
    this.board = new OracleBoard({
      nodeOf: (id) => this.#nodes.get(id),
      disksOf: (id) => this.#nodes.get(id)?.disks ?? [],
      onViolation: (violation) => {
        this.trace.line(null, `VIOLATION ${violation.message}`);
        this.timeline.halt();
      },
    });
    this.fabric = this.#makeFabric(random.fork('network'));
    this.#nodeParts = {
      timeline: this.timeline,
      fabric: this.fabric,
      board: this.board,
      trace: this.trace,
      random,
      config: settings.config,
      isStateDurable: settings.isStateDurable,
      syncMaxMs: settings.syncMaxMs,
      driftMax: settings.driftMax,
      maxInFlight: settings.maxInFlight,
      onFailed: (node, error) => this.#onFailed(node, error),
    };
  }

  get nodes(): readonly SimNode[] {
    return [...this.#nodes.values()];
  }

  get failure(): UnexplainedFailure | null {
    return this.#failure;
  }

  node(id: NodeId): SimNode {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new RangeError(`there is no node ${id}`);
    return node;
  }

  has(id: NodeId): boolean {
    return this.#nodes.has(id);
  }

  /** A new machine, with an empty disk and no process. */
  addNode(): SimNode {
    const node = new SimNode(this.#nodes.size + 1, this.#nodeParts);
    this.#nodes.set(node.id, node);
    return node;
  }

  upNodes(): readonly SimNode[] {
    return this.nodes.filter((node) => node.isUp);
  }

  /** The leader of the latest term, as it sees itself. */
  leader(): SimNode | null {
    let best: SimNode | null = null;
    for (const node of this.#nodes.values()) {
      const { core } = node;
      const isLater = (core?.hardState.term ?? 0) > (best?.core?.hardState.term ?? 0);
      if (core?.role.name === 'leader' && (best === null || isLater)) best = node;
    }
    return best;
  }

  /** What the cluster agreed on last, as far as anybody knows. */
  membership(): Membership | null {
    return this.board.committed.membership?.membership ?? null;
  }

  /** All voter sets that may decide something: those that are committed, and those that may be. */
  voterSets(): readonly (readonly NodeId[])[] {
    const sets = new Map<string, readonly NodeId[]>();
    const add = (membership: Membership | null): void => {
      for (const config of membership?.configs ?? []) sets.set(config.join(','), config);
    };
    add(this.membership());
    for (const { lastMembership } of this.#nodes.values()) add(lastMembership);
    return [...sets.values()];
  }

  /** Is the data of this node gone, or can't all of it be read any more? */
  isLost(node: SimNode): boolean {
    return node.isDamaged || this.lost.has(node);
  }

  /** Would every voter set still have a quorum if this node never came back? Also with those who may become voters. */
  canLose(node: SimNode, coming: readonly NodeId[]): boolean {
    const isGone = (id: NodeId): boolean => {
      const other = this.#nodes.get(id);
      return other === undefined || other === node || this.isLost(other);
    };
    // Before anything is committed nobody promised anything, but one disk may hold all there is.
    if (this.membership() === null) return false;
    const hasQuorum = (set: readonly NodeId[]): boolean => 2 * set.filter((id) => !isGone(id)).length > set.length;
    return this.voterSets().every((set) => {
      const grown = coming.map((id) => [...new Set([...set, id])]);
      return [set, ...grown, [...new Set([...set, ...coming])]].every(hasQuorum);
    });
  }

  fail(failure: UnexplainedFailure): void {
    this.#failure ??= failure;
    this.trace.line(null, `FAILURE ${failure.message}`);
    this.timeline.halt();
  }

  after(ms: number): Promise<void> {
    return new Promise((resolve) => this.timeline.after(ms, resolve));
  }

  describe(): string {
    return this.nodes.map((node) => node.describe()).join('\n');
  }

  #makeFabric(random: SimRandom): SimFabric {
    const { latencyMaxMs, detectionMaxMs } = this.settings;
    return new SimFabric({
      timeline: this.timeline,
      random,
      latencyMaxMs,
      detectionMaxMs,
      onSend: (from, to, message) => {
        const node = this.#nodes.get(from);
        if (node !== undefined) this.board.sent(node, to, message);
        if (this.trace.isOn) this.trace.line(from, `-> n${to} ${describeMessage(message)}`);
      },
      onNews: (nodeId, text) => this.trace.line(nodeId, text),
      onArrive: (from, to, message) => {
        this.trace.note(20, to, from, message.term);
        if (this.trace.isOn) this.trace.line(to, `<- n${from} ${describeMessage(message)}`);
      },
    });
  }

  /** A node may stop by itself, but only for a reason that it was given. */
  #onFailed(node: SimNode, error: unknown): void {
    const cause = error instanceof FatalError ? error.cause : error;
    const isInvariant = cause instanceof InvariantViolation;
    const isExplained = node.simDisk.conditions.failures > 0 || node.isDamaged;
    if (isExplained && !isInvariant) {
      this.onStopped(node);
      return;
    }
    const stack = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    this.fail({ message: `node ${node.id} stopped: ${stack}`, isInvariant });
  }
}
