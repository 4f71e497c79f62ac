/** A running node: the core, the loops around it, and the calls that wait for what they do. */
import type { OutgoingMessage } from '../core/effect.ts';
import type { LogId, LogIndex, NodeId } from '../core/ids.ts';
import type { Input } from '../core/input.ts';
import { RaftCore } from '../core/raft.ts';
import type { InitialState } from '../core/state.ts';
import { ConsensusError, FatalError, StoppedError } from '../errors.ts';
import type { StoreIdentity } from '../ports/log-store.ts';
import type { InboundHandler } from '../ports/network.ts';
import { Applier } from './applier.ts';
import { callAll } from './call-all.ts';
import { Changes } from './changes.ts';
import { Driver } from './driver.ts';
import { DurableGate } from './durable-gate.ts';
import { EffectRouter } from './effect-router.ts';
import type { NodeEvent } from './events.ts';
import { Events } from './events.ts';
import { Forwarder } from './forwarding.ts';
import { Identity } from './identity.ts';
import { Inbound } from './inbound.ts';
import { LogCache } from './log-cache.ts';
import type { RaftMetrics } from './metrics.ts';
import { readMetrics } from './metrics-reader.ts';
import { Peers } from './peers.ts';
import { Persister } from './persister.ts';
import { Proposals } from './proposals.ts';
import { Reads } from './reads.ts';
import { loadInitialState } from './recovery.ts';
import type { LeaderHint } from './refusal-error.ts';
import { Replies } from './replies.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import { Snapshots } from './snapshots.ts';
import { Ticker } from './ticker.ts';
import { Watchdog } from './watchdog.ts';

export class Runtime {
  readonly parts: RuntimeParts;
  readonly events: Events = new Events();
  readonly identity: Identity;
  readonly inbound: InboundHandler;
  readonly proposals: Proposals;
  readonly reads: Reads;
  readonly changes: Changes;
  readonly forwarder: Forwarder;
  readonly snapshots: Snapshots;
  readonly #core: RaftCore;
  readonly #peers: Peers;
  readonly #driver: Driver;
  readonly #persister: Persister;
  readonly #gate: DurableGate;
  readonly #applier: Applier;
  readonly #router: EffectRouter;
  readonly #ticker: Ticker;
  readonly #watchdog: Watchdog;
  readonly #replies: Replies = new Replies();
  readonly #cache: LogCache;
  readonly #turnListeners = new Set<() => void>();
  readonly #stopping: AbortController = new AbortController();
  #stopped: ConsensusError | null = null;
  #closing: Promise<void> | null = null;

  /**
   * Opens the stores, brings them in line, and starts the node as follower or learner. Resolves when everything that
   * is known to be committed is applied.
   * @throws CorruptionError, IdentityError, StorageError; everything that was opened is closed again
   */
  static async start(parts: RuntimeParts): Promise<Runtime> {
    const { nodeId, config, logStore, snapshotStore, stateMachine, codec, random, network } = parts;
    try {
      const { clusterName } = config;
      const logState = await logStore.open({ nodeId, clusterName, newInstanceId: random.uniqueId() });
      const snapshot = await snapshotStore.open();
      const applied = await stateMachine.open(codec);
      const initial = await loadInitialState({ ...parts, logState, snapshot, applied }).catch((error: unknown) => {
        // What the application throws for an entry stops the node here as it does later.
        throw ConsensusError.is(error) ? error : fatalError(nodeId, error);
      });
      const runtime = new Runtime(parts, logState.identity, initial);
      await network.open(runtime.inbound, config);
      await runtime.#begin();
      return runtime;
    } catch (error) {
      await Promise.allSettled([network.close(), stateMachine.close(), snapshotStore.close(), logStore.close()]);
      throw error;
    }
  }

  private constructor(parts: RuntimeParts, identity: StoreIdentity, initial: InitialState) {
    const { nodeId, config, clock, timers, random, logStore } = parts;
    const post = (input: Input): void => this.post(input);
    const hint = (): LeaderHint => this.leaderHint();
    const connection = (peer: NodeId) => this.#peers.connection(peer);
    this.parts = parts;
    this.identity = new Identity(logStore, identity, (error) => this.fail(error));
    const options = { ...config, nodeId, instanceId: identity.instanceId, random: () => random.next() };
    this.#core = new RaftCore(options, initial, { nowMs: clock.nowMs(), wallMs: clock.wallMs() });
    this.#cache = new LogCache(initial.last.index, config.logCacheBytes);
    this.proposals = new Proposals(clock, timers, { maxQueuedBytes: config.maxUncommittedBytes, hint });
    this.reads = new Reads({ nodeId, clock, timers, post, appliedIndex: () => this.#applier.applied.index });
    this.changes = new Changes({ clock, timers, post, hint });
    const schedule = (): void => this.schedule();
    const local = { proposals: this.proposals, reads: this.reads, schedule };
    this.forwarder = new Forwarder({ ...parts, ...local, hint, connection });
    this.#gate = new DurableGate(() => this.#core.state.durableIndex, schedule);
    this.#driver = this.#makeDriver();
    this.#applier = this.#makeApplier(initial.applied);
    this.#peers = this.#makePeers();
    const whenDurable = (index: LogIndex): Promise<void> => this.#gate.pass(index);
    const purgedIndex = (): LogIndex => this.#core.state.log.purged.index;
    const shared = { runtime: parts, events: this.events, cache: this.#cache, applier: this.#applier };
    const fail = (error: unknown): void => this.fail(error);
    const answers = { replies: this.#replies, connection, post, fail };
    this.snapshots = new Snapshots({ ...shared, ...answers, whenDurable, purgedIndex }, initial.snapshot);
    this.#persister = this.#makePersister();
    this.inbound = this.#makeInbound();
    this.#ticker = new Ticker(clock, timers, () => this.post({ type: 'tick' }));
    this.#watchdog = this.#makeWatchdog();
    this.#router = this.#makeRouter();
  }

  /** Why this node does nothing any more; `null` while it runs. */
  get stopped(): ConsensusError | null {
    return this.#stopped;
  }

  /** Aborted, with the reason, when the node stops. */
  get stopSignal(): AbortSignal {
    return this.#stopping.signal;
  }

  get core(): RaftCore {
    return this.#core;
  }

  get appliedLogId(): LogId {
    return this.#applier.applied;
  }

  /** Hands the core something to do in the next turn. */
  post(input: Input): void {
    this.#driver.post(input);
  }

  /** There are proposals: take a turn for them. */
  schedule(): void {
    this.#driver.schedule();
  }

  /** @throws FatalError or StoppedError when this node does nothing any more */
  assertRunning(): void {
    if (this.#stopped !== null) throw this.#stopped;
  }

  leaderHint(): LeaderHint {
    const { leaderId, membership, nodeId } = this.#core.state;
    const leaderNode = leaderId === null ? undefined : membership.effective.membership.nodes.get(leaderId);
    if (leaderNode === undefined) return { nodeId, leaderId: null, leaderNode: null };
    return { nodeId, leaderId, leaderNode };
  }

  metrics(): RaftMetrics {
    return readMetrics({
      core: this.#core,
      nowMs: this.parts.clock.nowMs(),
      identity: this.identity.local,
      stopped: this.#stopped,
      appliedLogId: this.#applier.applied,
      pendingProposals: this.proposals.pendingCount,
      logCacheBytes: this.#cache.bytes,
      isUnreachable: (peer) => this.#peers.isUnreachable(peer),
    });
  }

  /** Calls `listener` after everything that may have changed the metrics. Returns what ends that. */
  onTurn(listener: () => void): () => void {
    this.#turnListeners.add(listener);
    return () => this.#turnListeners.delete(listener);
  }

  /** Something broke that the node can't survive safely: it answers and writes nothing more, and says why. */
  fail(cause: unknown): void {
    if (this.#stopped !== null) return;
    const error = fatalError(this.parts.nodeId, cause);
    this.#end(error, () => this.parts.logger.error({ nodeId: this.parts.nodeId, error }, 'the node stops for good'));
  }

  /** Stops taking calls, ends what is under way, and releases everything. Safe to call twice. */
  async shutdown(): Promise<void> {
    if (this.#closing === null) this.#end(new StoppedError(this.parts.nodeId), () => undefined);
    await this.#closing;
  }

  async #begin(): Promise<void> {
    this.#router.syncPeers();
    const { commitIndex } = this.#core.state;
    this.#applier.commit(commitIndex);
    await this.reads.whenApplied(commitIndex, { timeoutMs: Number.MAX_SAFE_INTEGER });
    this.assertRunning();
    this.#ticker.arm(this.#core.deadlineMs);
    this.#watchdog.start();
  }

  /** Whoever throws when told of the end must keep neither the others from it, nor the stores from being closed. */
  #end(error: ConsensusError, log: () => void): void {
    this.#stop(error);
    this.#closing = this.#close();
    const event: NodeEvent = { type: 'stopped', error: error instanceof StoppedError ? null : error };
    try {
      callAll([() => this.#peers.close(), log, () => this.events.emit(event), () => this.#notifyTurn()]);
    } catch {
      // There is nothing left that this could stop.
    }
  }

  #stop(error: ConsensusError): void {
    this.#stopped = error;
    this.#driver.stop();
    this.#ticker.stop();
    this.#watchdog.stop();
    this.#stopping.abort(error);
    const makeError = (): ConsensusError => error;
    this.proposals.rejectAll(makeError);
    this.reads.rejectAll(makeError);
    this.changes.rejectAll(makeError);
    this.#gate.stop();
  }

  async #close(): Promise<void> {
    const { network, stateMachine, snapshotStore, logStore } = this.parts;
    await Promise.allSettled([network.close(), this.snapshots.stop(), this.#persister.stop(), this.#applier.stop()]);
    await Promise.allSettled([stateMachine.close(), snapshotStore.close(), logStore.close()]);
  }

  #onTurn(): void {
    this.#ticker.arm(this.#core.deadlineMs);
    this.#gate.advance();
    this.#applier.advance();
    this.#notifyTurn();
  }

  #notifyTurn(): void {
    callAll(this.#turnListeners);
  }

  #onApplied(applied: LogId): void {
    this.#driver.postQuietly({ type: 'applied', logId: applied });
    this.#cache.evictTo(Math.min(applied.index, this.#core.state.durableIndex));
    this.reads.onApplied(applied.index);
    this.snapshots.builder.onApplied(applied.index);
    this.#notifyTurn();
  }

  /** A leader needs its own acknowledgement now; a follower only when it waits for something. */
  #onDurable(seq: number, messages: readonly OutgoingMessage[]): void {
    for (const outgoing of messages) this.#router.send(outgoing);
    const { role, ownVoteSeq, installing, initializing } = this.#core.state;
    const isCoreWaiting = role.name === 'leader' || ownVoteSeq !== null || installing !== null || initializing !== null;
    const isAwaited = isCoreWaiting || this.#gate.isAwaited || this.#applier.isHeldBack;
    const input: Input = { type: 'persisted', seq };
    if (isAwaited) this.#driver.post(input);
    else this.#driver.postQuietly(input);
  }

  #makeDriver(): Driver {
    return new Driver({
      ...this.parts,
      core: this.#core,
      proposals: this.proposals,
      execute: (effect) => this.#router.execute(effect),
      onTurn: () => this.#onTurn(),
      onFailure: (error) => this.fail(error),
    });
  }

  #makeApplier(applied: LogId): Applier {
    const parts = {
      ...this.parts,
      cache: this.#cache,
      durableIndex: () => this.#core.state.durableIndex,
      onResult: (logId: LogId, response: unknown) => this.proposals.settle(logId, response),
      onApplied: (logId: LogId) => this.#onApplied(logId),
      onFailure: (error: unknown) => this.fail(error),
    };
    return new Applier(parts, applied);
  }

  #makePeers(): Peers {
    return new Peers({
      ...this.parts,
      cache: this.#cache,
      events: this.events,
      maxPayloadBytes: this.parts.config.maxPayloadBytes,
      isCurrent: ({ term }) => this.#core.state.hardState.term === term && this.#core.state.role.name === 'leader',
      onReadFailure: (error) => this.fail(error),
      onLost: (peer) => this.post({ type: 'peer-unreachable', peer }),
      onMessage: (from, message) => this.post({ type: 'message', from, message, token: 0 }),
    });
  }

  #makePersister(): Persister {
    return new Persister({
      ...this.parts,
      install: (effect) => this.snapshots.receiver.install(effect),
      onDurable: (seq, messages) => this.#onDurable(seq, messages),
      onFailure: (error) => this.fail(error),
    });
  }

  #makeInbound(): Inbound {
    return new Inbound({
      replies: this.#replies,
      receiver: this.snapshots.receiver,
      identity: () => this.identity.local,
      membership: () => this.#core.state.membership.effective.membership,
      adoptCluster: (clusterId) => this.identity.adopt(clusterId),
      post: (input) => this.post(input),
      request: (request, signal) => this.forwarder.answer(request, signal),
      stopped: () => this.#stopped,
    });
  }

  #makeWatchdog(): Watchdog {
    const { config, nodeId, logger } = this.parts;
    return new Watchdog({
      ...this.parts,
      intervalMs: config.heartbeatIntervalMs,
      diskHangMs: config.electionTimeoutMaxMs,
      oldestWriteMs: () => this.#persister.oldestWriteMs,
      applyStartedMs: () => this.#applier.startedMs,
      onSlow: (what, ms) => {
        logger.warn({ nodeId, what, ms }, 'something is slow');
        this.events.emit({ type: 'slow', what, ms });
      },
      onDiskHang: () => this.post({ type: 'step-down' }),
    });
  }

  #makeRouter(): EffectRouter {
    return new EffectRouter({
      core: this.#core,
      events: this.events,
      cache: this.#cache,
      persister: this.#persister,
      applier: this.#applier,
      snapshots: this.snapshots,
      peers: this.#peers,
      proposals: this.proposals,
      reads: this.reads,
      changes: this.changes,
      replies: this.#replies,
    });
  }
}

function fatalError(nodeId: NodeId, cause: unknown): FatalError {
  return new FatalError(nodeId, cause instanceof Error ? cause.message : String(cause), cause);
}
