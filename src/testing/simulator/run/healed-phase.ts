/**
 * After the faults: the cluster must elect a leader, bring all members to the same state, and serve writes and
 * linearizable reads on every member; each within a stated time.
 */
import type { NodeId } from '../../../core/ids.ts';
import type { ClientCalls } from '../clients/client-calls.ts';
import { stateHash } from '../kv/apply-kv.ts';
import type { KvState } from '../kv/kv-types.ts';
import { timeUnitMs } from '../settings.ts';
import type { Operator } from '../world/operator.ts';
import type { SimCluster } from '../world/sim-cluster.ts';
import type { SimNode } from '../world/sim-node.ts';

/** In election timeouts (`electionTimeoutMaxMs`), each from the end of the step before. */
export const HEALED_LIMITS: Readonly<{ elect: number; repair: number; converge: number; serve: number }> =
  Object.freeze({
    elect: 20,
    repair: 200,
    converge: 60,
    serve: 20,
  });

/** What did not happen in time. */
export class LivenessFailure extends Error {
  readonly property: string;

  constructor(property: string, details: string) {
    super(`${property}: ${details}`);
    this.name = 'LivenessFailure';
    this.property = property;
  }
}

export interface HealedPhaseParts {
  readonly cluster: SimCluster;
  readonly operator: Operator;
  readonly calls: ClientCalls;
  readonly forever: ReadonlySet<SimNode>;
  readonly repairOverlooked: () => void;
}

export class HealedPhase {
  readonly #parts: HealedPhaseParts;
  readonly #unitMs: number;

  constructor(parts: HealedPhaseParts) {
    this.#parts = parts;
    this.#unitMs = timeUnitMs(parts.cluster.settings);
  }

  /** Between `heal` and here clients are still at work; they must be stopped by now. */
  async run(): Promise<void> {
    const { cluster, operator, calls } = this.#parts;
    await this.#until('elects', HEALED_LIMITS.elect, () => this.#leader() !== null);
    await this.#until('is repaired', HEALED_LIMITS.repair, () => !operator.isBusy && calls.openCount === 0);
    await this.#until('converges', HEALED_LIMITS.converge, () => this.#hasConverged());
    this.#compareStates();
    for (const node of this.#members()) await this.#serve(node);
    await this.#until('converges again', HEALED_LIMITS.converge, () => this.#hasConverged());
    this.#compareStates();
    cluster.board.ended();
  }

  /** The one that leads and that a quorum hears. */
  #leader(): SimNode | null {
    const leader = this.#parts.cluster.leader();
    const core = leader?.core;
    if (leader === null || core === null || core === undefined) return null;
    const { configs } = core.membership.effective.membership;
    const isHeard = (id: NodeId): boolean => this.#isFollowing(id, leader, core.hardState.term);
    return configs.every((config) => 2 * config.filter(isHeard).length > config.length) ? leader : null;
  }

  #isFollowing(id: NodeId, leader: SimNode, term: number): boolean {
    const { cluster } = this.#parts;
    return id === leader.id || (cluster.has(id) && cluster.node(id).core?.hardState.term === term);
  }

  #members(): readonly SimNode[] {
    const { cluster, forever } = this.#parts;
    const ids = [...(cluster.membership()?.nodes.keys() ?? [])];
    return ids.map((id) => cluster.node(id)).filter((node) => !forever.has(node));
  }

  #hasConverged(): boolean {
    this.#parts.repairOverlooked();
    if (this.#parts.operator.isBusy) return false;
    const leader = this.#leader();
    const core = leader?.core;
    if (leader === null || core === null || core === undefined) return false;
    const { committed, effective } = core.membership;
    const isDecided = committed === effective && effective.membership.configs.length === 1;
    const lastIndex = core.log.lastIndex;
    if (!isDecided || core.commitIndex !== lastIndex) return false;
    return this.#members().every((node) => {
      const other = node.core;
      return other !== null && other.applied.index === lastIndex && other.hardState.term === core.hardState.term;
    });
  }

  #compareStates(): void {
    const { cluster } = this.#parts;
    const expected = stateHash(cluster.board.committed.state as KvState);
    for (const node of this.#members()) {
      const { stateMachine } = node;
      if (stateMachine === null) throw new LivenessFailure('converges', `node ${node.id} has no state`);
      if (stateHash(stateMachine.state as KvState) === expected) continue;
      throw new StateMismatch(`node ${node.id} has another state than the log says`);
    }
  }

  async #serve(node: SimNode): Promise<void> {
    const { calls, cluster } = this.#parts;
    const plan = { client: 0, timeoutMs: HEALED_LIMITS.serve * this.#unitMs, abortAfterMs: null };
    const value = node.id;
    const request = { operation: 'set', key: 'rz', value, expected: null, padding: 0 } as const;
    const written = await this.#finished(calls.write(node, request, plan), cluster);
    if (written.outcome !== 'ok')
      throw new LivenessFailure('serves', `a write on node ${node.id} fails with ${written.error}`);
    const query = { key: 'rz', level: 'linearizable', atLeast: 0 } as const;
    const read = await this.#finished(calls.read(node, query, plan), cluster);
    const found = read.output?.type === 'read' ? read.output.value : null;
    if (found !== value)
      throw new LivenessFailure('serves', `a read on node ${node.id} gives ${String(found)}, ${read.error}`);
  }

  async #finished<T>(call: Promise<T>, cluster: SimCluster): Promise<T> {
    const limitMs = (HEALED_LIMITS.serve + 5) * this.#unitMs;
    const timeout = cluster.after(limitMs).then(() => {
      throw new LivenessFailure('serves', `a call is not answered within ${limitMs} ms`);
    });
    return await Promise.race([call, timeout]);
  }

  async #until(property: string, limit: number, condition: () => boolean): Promise<void> {
    const { cluster } = this.#parts;
    const { timeline } = cluster;
    const endMs = timeline.nowMs + limit * this.#unitMs;
    while (!condition()) {
      if (timeline.nowMs > endMs) {
        throw new LivenessFailure(property, `not within ${limit} election timeouts\n${cluster.describe()}`);
      }
      await cluster.after(this.#unitMs / 20);
    }
  }
}

/** Members agree on the log, but not on the state. */
export class StateMismatch extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'StateMismatch';
  }
}
