/** One core by itself: a test plays its disk and its peers. */
import type { Effect } from '../../src/core/effect.ts';
import type { LogIndex, NodeId } from '../../src/core/ids.ts';
import type { Input } from '../../src/core/input.ts';
import { voterIds } from '../../src/core/membership/membership.ts';
import type { Message, SnapshotMeta, SnapshotOffer } from '../../src/core/message.ts';
import type { CoreOptions } from '../../src/core/options.ts';
import type { Progress } from '../../src/core/progress/progress.ts';
import type { RaftCore } from '../../src/core/raft.ts';
import type { Leader } from '../../src/core/role/leader.ts';
import type { InitialStateInit } from './core-kit.ts';
import { at, bytesOf, effectsOf, makeCore, voteResponse } from './core-kit.ts';

/** The disk is instant, so every write is durable at once, until `isDiskSlow` is set. */
export class SoloCore {
  readonly core: RaftCore;
  nowMs = 0;
  isDiskSlow = false;
  #issuedSeq = 0;
  #durableSeq = 0;

  constructor(init: InitialStateInit = {}, options: Partial<CoreOptions> = {}) {
    this.core = makeCore(init, options);
  }

  /** Steps the inputs as one batch; with an instant disk the result includes what follows from its writes. */
  step(...inputs: Input[]): Effect[] {
    const effects = this.core.stepAll(inputs, at(this.nowMs));
    for (const effect of effects) {
      if (effect.type === 'persist' || effect.type === 'install-snapshot') this.#issuedSeq = effect.seq;
    }
    return this.isDiskSlow ? effects : [...effects, ...this.flushDisk()];
  }

  receive(from: NodeId, message: Message, token = 0): Effect[] {
    return this.step({ type: 'message', from, message, token });
  }

  /** All writes so far become durable. */
  flushDisk(): Effect[] {
    if (this.#durableSeq === this.#issuedSeq) return [];
    this.#durableSeq = this.#issuedSeq;
    return this.step({ type: 'persisted', seq: this.#durableSeq });
  }

  tickAt(nowMs: number): Effect[] {
    this.nowMs = nowMs;
    return this.step({ type: 'tick' });
  }

  propose(...texts: string[]): Effect[] {
    return this.step({ type: 'propose', payloads: texts.map(bytesOf) });
  }

  /** The state machine applies whatever is committed. */
  applyAll(): Effect[] {
    const { log, commitIndex } = this.core.state;
    const committed = log.logIdAt(commitIndex);
    if (committed === null) throw new Error(`commit index ${commitIndex} is not in the log`);
    return this.step({ type: 'applied', logId: committed });
  }

  receiveSnapshot(from: NodeId, offer: SnapshotOffer, token = 0): Effect[] {
    return this.step({ type: 'snapshot-received', from, offer, token });
  }

  /** A snapshot of the applied state up to `index`, with the committed membership. */
  buildSnapshot(index: LogIndex = this.core.state.applied.index): Effect[] {
    const { log, membership } = this.core.state;
    const lastLogId = log.logIdAt(index);
    if (lastLogId === null) throw new Error(`index ${index} is not in the log`);
    const meta: SnapshotMeta = {
      id: `own-${lastLogId.term}-${index}`,
      lastLogId,
      lastTimeMs: 0,
      membership: membership.committed,
    };
    return this.step({ type: 'snapshot-built', meta });
  }

  /** Campaigns without a pre-vote and wins with the votes of all others; returns what it does as new leader. */
  becomeLeader(): Effect[] {
    const asked = this.step({ type: 'message', from: this.#anyPeer(), message: this.#timeoutNow(), token: 0 });
    const { state } = this.core;
    if (state.role.name === 'leader') return asked;
    const effects: Effect[] = [];
    for (const voter of voterIds(state.membership.effective.membership)) {
      if (voter === state.nodeId || this.core.state.role.name !== 'candidate') continue;
      effects.push(...this.receive(voter, voteResponse(state.hardState.term, true)));
    }
    this.leader();
    return effects;
  }

  leader(): Leader {
    const { role } = this.core.state;
    if (role.name !== 'leader') throw new Error(`expected a leader, not a ${role.name}`);
    return role.leader;
  }

  progressOf(peer: NodeId): Progress {
    const progress = this.leader().progress.get(peer);
    if (progress === undefined) throw new Error(`no progress of ${peer}`);
    return progress;
  }

  /** The peer acknowledges everything up to `index`, as an answer to the newest round. */
  acknowledge(peer: NodeId, index: LogIndex = this.core.state.log.lastIndex): Effect[] {
    const { session } = this.progressOf(peer);
    const { term, rounds } = this.leader();
    return this.receive(peer, {
      type: 'append-response',
      term,
      session,
      round: rounds.current,
      prevIndex: 0,
      success: true,
      matchIndex: index,
      conflictHint: null,
      lastIndex: index,
    });
  }

  /** The peer answers the newest heartbeat round; by default it verified all that it acknowledged. */
  beat(peer: NodeId, verifiedIndex: LogIndex = this.progressOf(peer).matchIndex): Effect[] {
    const { session } = this.progressOf(peer);
    const { term, rounds } = this.leader();
    return this.receive(peer, { type: 'heartbeat-response', term, session, round: rounds.current, verifiedIndex });
  }

  /** Leads, and the peers hold everything including the blank entry. */
  becomeSettledLeader(): void {
    this.becomeLeader();
    for (const peer of [...this.leader().progress.keys()]) this.acknowledge(peer);
    this.applyAll();
  }

  #anyPeer(): NodeId {
    const { nodeId, leaderId } = this.core.state;
    return leaderId ?? nodeId + 1;
  }

  #timeoutNow(): Message {
    return { type: 'timeout-now', term: this.core.state.hardState.term };
  }
}

/** The appends that go to a peer: `prev..toIndex` of each, in order. */
export function appendsTo(effects: readonly Effect[], peer: NodeId): { prev: LogIndex; toIndex: LogIndex }[] {
  return effectsOf(effects, 'replicate')
    .filter(({ to }) => to === peer)
    .map(({ prevLogId, toIndex }) => ({ prev: prevLogId.index, toIndex }));
}
