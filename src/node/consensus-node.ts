/** A node of a cluster, as an application uses it. */
import type { LogId, NodeId } from '../core/ids.ts';
import type { JsonValue } from '../core/membership/membership.ts';
import { learnerIds } from '../core/membership/membership.ts';
import { AlreadyInitializedError, StoppedError, TimeoutError } from '../errors.ts';
import type { CallOptions } from '../raft/call-options.ts';
import { CallBudget, NO_OPTIONS } from '../raft/call-options.ts';
import type { ChangeMembershipOptions, Raft } from '../raft/raft.ts';
import { encodeRequest } from '../raft/request-encoder.ts';
import type { Wait } from '../raft/wait.ts';
import type { NodeEvent } from '../runtime/events.ts';
import type { RaftMetrics } from '../runtime/metrics.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { depart } from './departure.ts';
import type { LeaderInfo } from './leadership.ts';
import { isLiveLeader, leaderInfo } from './leadership.ts';
import type { AddLearnerOptions, AddMemberOptions } from './members.ts';
import { Members } from './members.ts';
import type { ProposeOptions } from './proposer.ts';
import { Proposer } from './proposer.ts';
import type { ReadOptions } from './reader.ts';
import { Reader } from './reader.ts';

export interface BootstrapOptions extends CallOptions {
  /** The application's own data about this node, kept in the membership. Default `null`. */
  readonly metadata?: JsonValue | undefined;
}

/**
 * One node of a cluster. Made by `ConsensusNodeBuilder`.
 *
 * Any node takes proposals and reads; membership calls are for the leader and fail elsewhere with `NotLeaderError`, which
 * says who leads. After `shutdown` all calls reject with `StoppedError`, after a fatal failure with `FatalError`.
 *
 * ```ts
 * await node.bootstrapIfNeeded();
 * const response = await node.propose({ type: 'set', key: 'a', value: 1 });
 * const value = await node.read(() => stateMachine.state.get('a'));
 * ```
 */
export class ConsensusNode<Request, Response> {
  /** The engine, for what this surface does not offer, and for `raftService`. */
  readonly raft: Raft<Request, Response>;
  readonly #runtime: Runtime;
  readonly #proposer: Proposer;
  readonly #reader: Reader;
  readonly #members: Members;
  #closing: Promise<void> | null = null;

  /** @internal Use `ConsensusNodeBuilder`. */
  constructor(raft: Raft<Request, Response>, runtime: Runtime) {
    this.raft = raft;
    this.#runtime = runtime;
    this.#proposer = new Proposer(runtime);
    this.#reader = new Reader(runtime);
    this.#members = new Members(runtime);
  }

  get nodeId(): NodeId {
    return this.#runtime.parts.nodeId;
  }

  get address(): string {
    return this.#runtime.parts.address;
  }

  /**
   * Replicates a request, through the leader wherever it is. Resolves with what the state machine returned when the
   * request is committed and applied: on this node if it leads, otherwise on the leader.
   *
   * While there is no leader it is asked again until the deadline, as long as the request was certainly not appended.
   * @throws SerializationError, PayloadTooLargeError, BusyError, NotLeaderError, TimeoutError: it was not applied
   * @throws IndeterminateError: it may be applied or not; retry only what is idempotent
   */
  propose(request: Request, options: ProposeOptions = NO_OPTIONS): Promise<Response> {
    try {
      this.#assertOpen();
      const payload = encodeRequest(this.#runtime.parts, request);
      // What a state machine of this cluster returned for a request is a Response.
      return this.#proposer.propose(payload, options) as Promise<Response>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Resolves when everything that was committed at the time of the call is applied on this node, with that position.
   * Works on every node; asks again until the deadline while there is no leader or no quorum.
   */
  async ensureLinearizable(options: CallOptions = NO_OPTIONS): Promise<LogId> {
    return await this.#reader.confirm(this.#budget(options));
  }

  /**
   * Runs `query` on this node's state once it is as fresh as `consistency` asks for; see `ReadConsistency`. The query
   * must be synchronous: it sees one moment of the state.
   */
  async read<T>(query: () => T, options: ReadOptions = NO_OPTIONS): Promise<T> {
    this.#assertOpen();
    return await this.#reader.read(query, options);
  }

  /**
   * Does this node lead, and has it heard from a quorum within an election timeout? Good enough for work that should be
   * done by one node; for what must be done by one node only, propose it.
   */
  isLeader(): boolean {
    return this.#closing === null && isLiveLeader(this.#runtime);
  }

  /** Who leads, as far as this node knows. */
  leaderId(): NodeId | null {
    return this.raft.currentLeader();
  }

  /** Who leads and where it is; `null` when that is not known. */
  leader(): LeaderInfo | null {
    return leaderInfo(this.#runtime);
  }

  /** The voters that are decided: while a change is under way, those before it. */
  voterIds(): readonly NodeId[] {
    return this.metrics().committedMembership.membership.configs.at(-1) ?? [];
  }

  voterCount(): number {
    return this.voterIds().length;
  }

  learnerIds(): readonly NodeId[] {
    return learnerIds(this.metrics().committedMembership.membership);
  }

  /** Voters and learners. */
  allMemberIds(): readonly NodeId[] {
    return [...this.metrics().committedMembership.membership.nodes.keys()].sort((a, b) => a - b);
  }

  /**
   * Forms a new cluster of this node alone. Resolves when it leads and takes writes. For the first node only: the others
   * are added to it.
   * @throws AlreadyInitializedError when this node is part of a cluster
   */
  async bootstrap({ metadata, ...options }: BootstrapOptions = NO_OPTIONS): Promise<void> {
    const budget = this.#budget(options);
    await this.raft.initialize(new Map([[this.nodeId, { addr: this.address, metadata }]]), budget.rest);
    try {
      await this.wait(budget.rest.timeoutMs, budget).metrics(
        ({ state, currentTerm, lastApplied }) => state === 'leader' && lastApplied.term === currentTerm,
        'the first leadership',
      );
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
      throw new TimeoutError(
        'bootstrap',
        budget.timeoutMs,
        'the cluster is formed and this node goes on electing itself',
      );
    }
  }

  /** As `bootstrap`, but resolves with `false` when this node is part of a cluster already; `true` when it did. */
  async bootstrapIfNeeded(options: BootstrapOptions = NO_OPTIONS): Promise<boolean> {
    this.#assertOpen();
    if (this.isInitialized()) return false;
    try {
      await this.bootstrap(options);
      return true;
    } catch (error) {
      if (error instanceof AlreadyInitializedError) return false;
      throw error;
    }
  }

  /** Is this node part of a cluster? */
  isInitialized(): boolean {
    return this.raft.isInitialized();
  }

  /**
   * Adds a node that gets everything and votes on nothing. First asks who answers at the address: an unreachable node,
   * another node, one of another cluster or one that lost its store is refused before anything is written. A member that
   * moved gets its new address. While another change is under way, it waits for its turn.
   * @throws UnreachableError, PeerRefusedError, NotLeaderError: nothing was changed
   * @throws TimeoutError: when it says so, the node is a learner and goes on catching up
   */
  async addLearner(nodeId: NodeId, address: string, options: AddLearnerOptions = NO_OPTIONS): Promise<void> {
    this.#assertOpen();
    await this.#members.addLearner(nodeId, address, options);
  }

  /**
   * Adds a learner, waits until it has caught up, and gives it a vote. When the time is over before it has caught up it
   * stays a learner, and the error says so.
   */
  async addVoter(nodeId: NodeId, address: string, options: AddMemberOptions = NO_OPTIONS): Promise<void> {
    this.#assertOpen();
    await this.#members.addVoter(nodeId, address, options);
  }

  /** Makes exactly these members voters. The others that voted are removed, or with `retain` stay as learners. */
  async changeMembership(
    voterIds: readonly NodeId[],
    { retain = false, ...options }: ChangeMembershipOptions = NO_OPTIONS,
  ): Promise<void> {
    this.#assertOpen();
    await this.#members.replaceVoters(voterIds, retain, options);
  }

  /**
   * Removes a member, voter or learner; also this node itself, which then hands over its leadership.
   * @throws MembershipError for the last voter and for a node that is no member
   */
  async removeMember(nodeId: NodeId, options: CallOptions = NO_OPTIONS): Promise<void> {
    this.#assertOpen();
    await this.#members.remove(nodeId, options);
  }

  /** Hands leadership to `to`, or to the voter that is furthest. Resolves when it leads. */
  async transferLeadership(to: NodeId | null = null, options: CallOptions = NO_OPTIONS): Promise<void> {
    this.#assertOpen();
    await this.raft.trigger().transferLeadership(to, options);
  }

  /** The node at this moment, also after it stopped. */
  metrics(): RaftMetrics {
    return this.raft.metrics();
  }

  /** What happens in the node from now on, in order. Ends after `stopped`. */
  events(): AsyncIterableIterator<NodeEvent> {
    return this.raft.events();
  }

  /** Conditions to wait for, each with this deadline. Default: `proposeTimeoutMs` of the configuration. */
  wait(timeoutMs?: number, options: Pick<CallOptions, 'signal'> = NO_OPTIONS): Wait {
    return this.raft.wait(timeoutMs, options);
  }

  /**
   * Takes no more calls, hands over its leadership if it leads (for at most an election timeout), ends what is under way
   * and closes network and stores. Safe to call twice.
   */
  shutdown(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #close(): Promise<void> {
    try {
      await depart(this.#runtime, this.#proposer);
    } finally {
      await this.raft.shutdown();
    }
  }

  #assertOpen(): void {
    this.#runtime.assertRunning();
    if (this.#closing !== null) throw new StoppedError(this.nodeId);
  }

  #budget(options: CallOptions): CallBudget {
    this.#assertOpen();
    const { clock, config } = this.#runtime.parts;
    return new CallBudget(clock, options, config.proposeTimeoutMs);
  }
}
