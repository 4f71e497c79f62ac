/**
 * The Raft algorithm as a function from one input to a list of effects. Nothing in here waits, reads a clock or does
 * I/O: who calls it executes the effects in order and reports back with further inputs.
 */
import type { Core } from './context.ts';
import type { Effect } from './effect.ts';
import { advanceChange, handleChangeMembership, handleInitialize } from './handler/change-membership.ts';
import {
  handleSnapshotBuilt,
  handleSnapshotOffer,
  handleSnapshotReceived,
  handleSnapshotSendFailed,
  purge,
  refuseSnapshot,
  refuseSnapshotOffer,
} from './handler/install-snapshot.ts';
import { assertOnlyLeader, handleMessage } from './handler/message.ts';
import { handlePersisted } from './handler/persisted.ts';
import { handlePropose } from './handler/propose.ts';
import { advanceReads, handleRead } from './handler/read-index.ts';
import { handleTick, nextDeadlineMs } from './handler/tick.ts';
import { abandonTransfer, advanceTransfer, handleTransfer } from './handler/transfer.ts';
import type { NodeId } from './ids.ts';
import { createState } from './initial-state.ts';
import type { Input, StepTime } from './input.ts';
import type { Watermark } from './invariants.ts';
import { assertNever, checkState } from './invariants.ts';
import type { SnapshotOffer } from './message.ts';
import type { CoreOptions } from './options.ts';
import { Outbox } from './outbox.ts';
import { sendAppends } from './progress/send-appends.ts';
import { sendCommitNotices, startRound } from './read/heartbeat-round.ts';
import { leaseUntilMs, quorumContactMs } from './read/lease.ts';
import { campaign } from './role/candidate.ts';
import { commitAcknowledged } from './role/commit.ts';
import { becomeFollower, isLeaderLive } from './role/follower.ts';
import type { Leader } from './role/leader.ts';
import type { CoreState, InitialState } from './state.ts';

export class RaftCore {
  readonly #core: Core;
  readonly #watermark: Watermark;
  #violation: Error | null = null;

  constructor(options: CoreOptions, initial: InitialState, time: StepTime) {
    const state = createState(options, initial, time.nowMs);
    this.#core = { options, state, out: new Outbox(state.durable, state.log.lastIndex), time };
    this.#watermark = { term: 0, commitIndex: 0, appliedIndex: 0, purgedIndex: 0 };
    checkState(state, this.#watermark);
  }

  /** For reading only; it changes with every step. */
  get state(): Readonly<CoreState> {
    return this.#core.state;
  }

  /** When to send `tick`, in monotonic ms; may be earlier than needed, never later. */
  get deadlineMs(): number {
    return nextDeadlineMs(this.#core);
  }

  /** Something is due at the next step, whatever its input: send `tick` soon if nothing else arrives. */
  get hasNotice(): boolean {
    const { role } = this.#core.state;
    return role.name === 'leader' && role.leader.isNoticeDue;
  }

  /** Monotonic ms until which no other leader can exist; `-Infinity` when unknown. For leaders. */
  leaseUntilMs(): number {
    const { role } = this.#core.state;
    return role.name === 'leader' ? leaseUntilMs(this.#core, role.leader) : Number.NEGATIVE_INFINITY;
  }

  /** When a quorum was last heard, monotonic ms; `null` on nodes that do not lead. */
  quorumContactMs(nowMs: number): number | null {
    const { role } = this.#core.state;
    if (role.name !== 'leader') return null;
    return Math.min(nowMs, quorumContactMs({ ...this.#core, time: { nowMs, wallMs: 0 } }, role.leader));
  }

  step(input: Input, time: StepTime): Effect[] {
    return this.stepAll([input], time);
  }

  /**
   * Steps all inputs as one batch: one write, and for each peer the fewest messages. After a throw the state can't be
   * trusted any more: every later step throws the same.
   */
  stepAll(inputs: readonly Input[], time: StepTime): Effect[] {
    if (this.#violation !== null) throw this.#violation;
    try {
      return this.#stepAll(inputs, time);
    } catch (error) {
      this.#violation = error instanceof Error ? error : new Error(String(error));
      throw this.#violation;
    }
  }

  #stepAll(inputs: readonly Input[], time: StepTime): Effect[] {
    this.#core.time = time;
    const wasNoticeDue = this.hasNotice;
    for (const input of inputs) {
      this.#handle(input);
      checkState(this.#core.state, this.#watermark);
    }
    this.#settle(wasNoticeDue);
    checkState(this.#core.state, this.#watermark);
    return this.#core.out.take();
  }

  /** What a leader does once per batch, after all inputs are known. */
  #settle(wasNoticeDue: boolean): void {
    const core = this.#core;
    let leader = this.#leader();
    if (leader === null) return;
    while (commitAcknowledged(core, leader)) advanceChange(core, leader);
    advanceTransfer(core, leader);
    leader = this.#leader();
    if (leader === null) return;
    advanceReads(core, leader);
    sendAppends(core, leader);
    // Told one batch later, so that the next append can carry it instead.
    if (wasNoticeDue) sendCommitNotices(core, leader);
  }

  #leader(): Leader | null {
    const { role } = this.#core.state;
    return role.name === 'leader' ? role.leader : null;
  }

  #handle(input: Input): void {
    const core = this.#core;
    switch (input.type) {
      case 'tick':
        handleTick(core);
        break;
      case 'message':
        handleMessage(core, input.from, input.message, input.token);
        break;
      case 'propose':
        handlePropose(core, input.payloads);
        break;
      case 'read':
        handleRead(core, input.id, input.policy);
        break;
      case 'change-membership':
        handleChangeMembership(core, input);
        break;
      case 'initialize':
        handleInitialize(core, input);
        break;
      case 'transfer':
        handleTransfer(core, input.id, input.to);
        break;
      case 'persisted':
        handlePersisted(core, input.seq);
        break;
      case 'applied':
        core.state.applied = input.logId;
        break;
      case 'snapshot-built':
        handleSnapshotBuilt(core, input.meta);
        break;
      case 'snapshot-offered':
        if (this.#acceptsFrom(input.from, input.offer)) handleSnapshotOffer(core, input.from, input.offer, input.token);
        else refuseSnapshotOffer(core, input.offer, input.token);
        break;
      case 'snapshot-received':
        if (this.#acceptsFrom(input.from, input.offer))
          handleSnapshotReceived(core, input.from, input.offer, input.token);
        else refuseSnapshot(core, input.from, input.offer, input.token);
        break;
      case 'purge':
        purge(core, input.upToIndex);
        break;
      default:
        this.#control(input);
        break;
    }
  }

  #control(
    input: Extract<
      Input,
      { type: 'snapshot-send-failed' | 'peer-unreachable' | 'elect' | 'heartbeat' | 'step-down' | 'switch' }
    >,
  ): void {
    const core = this.#core;
    const leader = this.#leader();
    switch (input.type) {
      case 'snapshot-send-failed':
        if (leader !== null) handleSnapshotSendFailed(core, leader, input.to, input.session);
        break;
      case 'peer-unreachable':
        abandonTransfer(core, input.peer);
        if (leader !== null) pausePeer(leader, input.peer);
        break;
      case 'elect':
        // With lease reads on, the own promise to the leader must not be broken either.
        if (leader === null && !(core.options.leaseReads && isLeaderLive(core))) campaign(core, { transfer: false });
        break;
      case 'heartbeat':
        if (leader !== null) startRound(core, leader);
        break;
      case 'step-down':
        if (leader !== null) becomeFollower(core, core.state.hardState.term, null);
        break;
      case 'switch':
        core.state.tickEnabled = input.tick;
        core.state.heartbeatEnabled = input.heartbeat;
        core.state.electEnabled = input.elect;
        break;
      default:
        assertNever(input);
    }
  }

  /** The term rule for snapshot streams (§5.1). */
  #acceptsFrom(from: NodeId, { term }: SnapshotOffer): boolean {
    const core = this.#core;
    if (term < core.state.hardState.term) return false;
    if (term > core.state.hardState.term) becomeFollower(core, term, null);
    assertOnlyLeader(core, from);
    return true;
  }
}

/** Messages are being lost: find the position anew, after the peer's next sign of life. */
function pausePeer(leader: Leader, peer: NodeId): void {
  const progress = leader.progress.get(peer);
  if (progress === undefined || progress.state === 'snapshot') return;
  progress.becomeProbe(progress.matchIndex + 1);
  progress.isPaused = true;
}
