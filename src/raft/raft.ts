/** The engine of one node: openraft's `Raft` handle, in camelCase and with deadlines. */
import type { LogId, NodeId } from '../core/ids.ts';
import type { ReadPolicy } from '../core/input.ts';
import type { MembershipChange } from '../core/membership/change.ts';
import type { StoredMembership } from '../core/membership/membership.ts';
import type {
  AppendRequest,
  AppendResponse,
  HeartbeatRequest,
  HeartbeatResponse,
  Message,
  PreVoteRequest,
  PreVoteResponse,
  TimeoutNow,
  VoteRequest,
  VoteResponse,
} from '../core/message.ts';
import type { CoreState } from '../core/state.ts';
import { LeaseExpiredError } from '../errors.ts';
import type { InboundHandler, SnapshotHeader } from '../ports/network.ts';
import type { SnapshotReader } from '../ports/snapshot-store.ts';
import type { ConsensusConfig } from '../runtime/config.ts';
import type { NodeEvent } from '../runtime/events.ts';
import type { RaftMetrics } from '../runtime/metrics.ts';
import type { ProposalAnswer } from '../runtime/proposals.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { CallOptions } from './call-options.ts';
import { CallBudget, NO_OPTIONS, pendingOptions } from './call-options.ts';
import { initialize, isInitialized } from './cluster-birth.ts';
import { catchUp } from './learner-catch-up.ts';
import type { RaftDataMetrics, RaftServerMetrics } from './metrics-parts.ts';
import { dataMetrics, serverMetrics } from './metrics-parts.ts';
import { MetricsWatch } from './metrics-watch.ts';
import type { NodeInfo } from './node-info.ts';
import { basicNode, checkNode } from './node-info.ts';
import type { RaftOptions } from './raft-options.ts';
import { startRuntime } from './raft-options.ts';
import { encodeRequest } from './request-encoder.ts';
import { RpcCalls } from './rpc-calls.ts';
import { RuntimeSwitches } from './runtime-switches.ts';
import { Trigger } from './trigger.ts';
import { Wait } from './wait.ts';

/** What became of a write: it is committed, and applied on this node. */
export interface ClientWriteResponse<Response> {
  readonly logId: LogId;
  /** What this node's state machine returned. */
  readonly data: Response;
}

export interface LinearizableOptions extends CallOptions {
  /** `'lease'` trusts clocks up to `clockDriftBound` and needs `leaseReads: true`. Default `'read-index'`. */
  readonly policy?: ReadPolicy | undefined;
}

export interface AddLearnerOptions extends CallOptions {
  /** Wait until the learner has caught up. Default true. */
  readonly blocking?: boolean | undefined;
}

export interface ChangeMembershipOptions extends CallOptions {
  /** Voters that leave stay as learners. Default false: they are removed. */
  readonly retain?: boolean | undefined;
}

const asWritten: ProposalAnswer<ClientWriteResponse<unknown>> = (logId, data) => ({ logId, data });

/**
 * One node of a Raft cluster. All calls reject with `StoppedError` after `shutdown` and with `FatalError` after the node
 * stopped for good.
 *
 * Writes, reads and membership changes are for the leader; elsewhere they fail with `NotLeaderError`, which says who
 * leads. `ConsensusNode` forwards them.
 */
export class Raft<Request, Response> {
  readonly #runtime: Runtime;
  readonly #trigger: Trigger;
  readonly #switches: RuntimeSwitches;
  readonly #rpc: RpcCalls;

  /**
   * Opens the stores and starts the node, as follower or learner. Resolves when everything that is known to be committed
   * is applied.
   * @throws ConfigError listing every problem
   * @throws CorruptionError, IdentityError, StorageError; what was opened is closed again
   */
  static async start<Request, Response>(options: RaftOptions<Request, Response>): Promise<Raft<Request, Response>> {
    return new Raft(await startRuntime(options));
  }

  /** @internal Use `Raft.start`. */
  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#trigger = new Trigger(runtime);
    this.#switches = new RuntimeSwitches(runtime);
    this.#rpc = new RpcCalls(runtime);
  }

  get nodeId(): NodeId {
    return this.#runtime.parts.nodeId;
  }

  get address(): string {
    return this.#runtime.parts.address;
  }

  /** What this node offers to its peers; network adapters and `raftService` call it. */
  get inbound(): InboundHandler {
    return this.#runtime.inbound;
  }

  /** Aborted when the node stops, for whatever reason: `raftService` then closes the connections of the peers. */
  get shutdownSignal(): AbortSignal {
    return this.#runtime.stopSignal;
  }

  /**
   * Replicates a request. Resolves when it is committed and applied here, with what the state machine returned.
   * @throws SerializationError, PayloadTooLargeError, NotLeaderError, BusyError, TimeoutError: it was not applied
   * @throws IndeterminateError: it was appended, and may be applied or not
   */
  clientWrite(request: Request, options: CallOptions = NO_OPTIONS): Promise<ClientWriteResponse<Response>> {
    try {
      const payload = encodeRequest(this.#runtime.parts, request);
      // What the state machine of this node returned for a request is a Response.
      return this.write(payload, options, asWritten as ProposalAnswer<ClientWriteResponse<Response>>);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** @internal Replicates an encoded request, which must not change any more. Throws at once when the node stopped. */
  write<T>(payload: Uint8Array, options: CallOptions, answer: ProposalAnswer<T>): Promise<T> {
    const runtime = this.#runtime;
    runtime.assertRunning();
    const pending = pendingOptions(options, runtime.parts.config.proposeTimeoutMs);
    const result = runtime.proposals.addFor(payload, pending, answer);
    runtime.schedule();
    return result;
  }

  /**
   * Makes reads of this node's state linearizable: resolves when everything that was committed at the time of the call
   * is applied here.
   * @throws QuorumNotEnoughError after about a heartbeat interval when too few voters confirm the leadership
   */
  async ensureLinearizable(options: LinearizableOptions = NO_OPTIONS): Promise<LogId> {
    const { reads, parts } = this.#runtime;
    const budget = this.#budget(options);
    const { readLogId, leaseUntilMs } = await reads.position(options.policy ?? 'read-index', budget.rest);
    await reads.whenApplied(readLogId.index, budget.rest);
    if (leaseUntilMs !== null && parts.clock.nowMs() >= leaseUntilMs) {
      throw new LeaseExpiredError('the read lease expired before the read position was applied; retry');
    }
    return readLogId;
  }

  /**
   * The position that a read must wait for, and how far this node is; for reads on other nodes. Does not wait until it
   * is applied.
   */
  async getReadLogId(
    options: LinearizableOptions = NO_OPTIONS,
  ): Promise<{ readonly readLogId: LogId; readonly applied: LogId }> {
    const position = this.#runtime.reads.position(options.policy ?? 'read-index', this.#budget(options).rest);
    const { readLogId } = await position;
    return { readLogId, applied: this.#runtime.appliedLogId };
  }

  /**
   * Forms a cluster with these nodes as its first voters, this node among them. Call it on one of them only: each call
   * makes a cluster of its own. Resolves when the membership is durable here; a leader is elected after it.
   * @throws AlreadyInitializedError when this node belongs to a cluster; MembershipError for invalid nodes
   */
  async initialize(nodes: ReadonlyMap<NodeId, NodeInfo>, options: CallOptions = NO_OPTIONS): Promise<StoredMembership> {
    return await initialize(this.#runtime, nodes, this.#budget(options).rest);
  }

  /** Has this node ever taken part in a cluster? */
  isInitialized(): boolean {
    return isInitialized(this.#runtime);
  }

  /**
   * Adds a learner; the address of an existing member stays as it is. It is a member as soon as the change is committed;
   * `blocking` then waits until it has caught up, with the progress visible in `metrics().replication`.
   * @throws TimeoutError when the wait took too long: the node is a learner and goes on catching up
   */
  async addLearner(
    nodeId: NodeId,
    node: NodeInfo,
    { blocking = true, ...options }: AddLearnerOptions = NO_OPTIONS,
  ): Promise<StoredMembership> {
    checkNode(nodeId, node.addr);
    const budget = this.#budget(options);
    const nodes = new Map([[nodeId, basicNode(node)]]);
    const stored = await this.#runtime.changes.changeMembership({ type: 'add-nodes', nodes }, false, budget.rest);
    if (blocking && nodeId !== this.nodeId) await catchUp(this.#runtime, nodeId, budget);
    return stored;
  }

  /**
   * Changes the membership; ids alone replace all voters. Resolves when the final, uniform membership is committed.
   * @throws MembershipError, ChangeInProgressError, NotLeaderError: nothing was appended
   * @throws IndeterminateError: the change was appended, and may be committed or not
   */
  async changeMembership(
    change: MembershipChange | readonly NodeId[],
    { retain = false, ...options }: ChangeMembershipOptions = NO_OPTIONS,
  ): Promise<StoredMembership> {
    const budget = this.#budget(options);
    const wanted = isIds(change) ? ({ type: 'replace-all-voters', ids: change } as const) : change;
    return await this.#runtime.changes.changeMembership(wanted, retain, budget.rest);
  }

  /** Who leads, as far as this node knows; `null` when it knows nobody. */
  currentLeader(): NodeId | null {
    return this.metrics().currentLeader;
  }

  /** What an operator makes the node do now. */
  trigger(): Trigger {
    return this.#trigger;
  }

  /** Switches for ticks, heartbeats and elections. */
  runtimeConfig(): RuntimeSwitches {
    return this.#switches;
  }

  /** The configuration in effect. */
  config(): ConsensusConfig {
    return this.#runtime.parts.config;
  }

  /** The node at this moment, also after it stopped. */
  metrics(): RaftMetrics {
    return this.#runtime.metrics();
  }

  dataMetrics(): RaftDataMetrics {
    return dataMetrics(this.metrics());
  }

  serverMetrics(): RaftServerMetrics {
    return serverMetrics(this.metrics());
  }

  /** The metrics now and whenever they may have changed: the latest only. Ends when the node stops. */
  watch(): AsyncIterableIterator<RaftMetrics> {
    return new MetricsWatch(this.#runtime);
  }

  /** What happens in the node from now on, in order. Ends after `stopped`. */
  events(): AsyncIterableIterator<NodeEvent> {
    return this.#runtime.events.iterate();
  }

  /** Conditions to wait for, each with this deadline. Default: `proposeTimeoutMs` of the configuration. */
  wait(timeoutMs?: number, { signal }: Pick<CallOptions, 'signal'> = NO_OPTIONS): Wait {
    return new Wait(this.#runtime, pendingOptions({ timeoutMs, signal }, this.config().proposeTimeoutMs));
  }

  /** Runs `read` on the state of the core, between two steps. It must not change or keep anything of it. */
  async withRaftState<T>(read: (state: Readonly<CoreState>) => T): Promise<T> {
    this.#runtime.assertRunning();
    return read(this.#runtime.core.state);
  }

  /** Opens the newest snapshot, `null` when there is none. The caller closes it. */
  async getSnapshot(): Promise<SnapshotReader | null> {
    this.#runtime.assertRunning();
    return await this.#runtime.parts.snapshotStore.latest();
  }

  /**
   * Takes a whole snapshot of a leader, from a transport of one's own. `chunks` starts at the offset that this node asks
   * for: what arrived before an earlier stream broke is kept. Resolves with the answer for the leader, when the snapshot
   * is installed and durable.
   * @throws SnapshotError when the bytes are damaged; nothing is installed
   */
  async installFullSnapshot(
    from: NodeId,
    header: SnapshotHeader,
    chunks: (fromOffset: number) => AsyncIterable<Uint8Array>,
  ): Promise<Message> {
    return await this.#rpc.installSnapshot(from, header, chunks);
  }

  /** Entry points for transports of one's own. Call `inbound.admit` with the envelope first. */
  appendEntries(from: NodeId, request: AppendRequest): Promise<AppendResponse> {
    return this.#rpc.ask(from, request);
  }

  vote(from: NodeId, request: VoteRequest): Promise<VoteResponse> {
    return this.#rpc.ask(from, request);
  }

  preVote(from: NodeId, request: PreVoteRequest): Promise<PreVoteResponse> {
    return this.#rpc.ask(from, request);
  }

  heartbeat(from: NodeId, request: HeartbeatRequest): Promise<HeartbeatResponse> {
    return this.#rpc.ask(from, request);
  }

  /** A leader asks this node to take over. There is no answer but the election. */
  async timeoutNow(from: NodeId, message: TimeoutNow): Promise<void> {
    this.#runtime.assertRunning();
    this.#runtime.inbound.receive(from, message, () => undefined);
  }

  /**
   * Ends all calls, closes network and stores. Does not hand leadership over: `ConsensusNode.shutdown` does. Safe to
   * call twice.
   */
  async shutdown(): Promise<void> {
    await this.#runtime.shutdown();
  }

  #budget(options: CallOptions): CallBudget {
    this.#runtime.assertRunning();
    const { clock, config } = this.#runtime.parts;
    return new CallBudget(clock, options, config.proposeTimeoutMs);
  }
}

function isIds(change: MembershipChange | readonly NodeId[]): change is readonly NodeId[] {
  return Array.isArray(change);
}
