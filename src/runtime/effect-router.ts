/** Brings each effect of the core to the loop that carries it out. */
import type { Effect, OutgoingMessage } from '../core/effect.ts';
import { assertNever } from '../core/invariants.ts';
import type { RaftCore } from '../core/raft.ts';
import type { Applier } from './applier.ts';
import type { Changes } from './changes.ts';
import type { Events } from './events.ts';
import type { LogCache } from './log-cache.ts';
import type { Peers } from './peers.ts';
import type { Persister } from './persister.ts';
import type { Proposals } from './proposals.ts';
import type { Reads } from './reads.ts';
import type { Replies } from './replies.ts';
import type { Snapshots } from './snapshots.ts';

export interface EffectRouterParts {
  readonly core: RaftCore;
  readonly events: Events;
  readonly cache: LogCache;
  readonly persister: Persister;
  readonly applier: Applier;
  readonly snapshots: Snapshots;
  readonly peers: Peers;
  readonly proposals: Proposals;
  readonly reads: Reads;
  readonly changes: Changes;
  readonly replies: Replies;
}

export class EffectRouter {
  readonly #parts: EffectRouterParts;
  #wasLeader = false;

  constructor(parts: EffectRouterParts) {
    this.#parts = parts;
  }

  execute(effect: Effect): void {
    const { persister, peers, applier, proposals, reads } = this.#parts;
    switch (effect.type) {
      case 'persist':
        this.#persist(effect);
        break;
      case 'replicate':
        peers.replicate(effect);
        break;
      case 'send':
        this.send(effect);
        break;
      case 'commit':
        persister.saveCommitted(effect.logId);
        applier.commit(effect.logId.index);
        break;
      case 'proposed':
        proposals.onProposed(effect);
        break;
      case 'read-granted':
        reads.onGranted(effect);
        break;
      case 'read-refused':
        reads.onRefused(effect);
        break;
      default:
        this.#executeRare(effect);
    }
  }

  /** A reply goes back the way its question came; anything else over the own line to the peer. */
  send({ to, message, token }: OutgoingMessage): void {
    const reply = token === 0 ? undefined : this.#parts.replies.take(token);
    if (reply === undefined) this.#parts.peers.send(to, message);
    else reply(message);
  }

  /** Opens lines to new members. Who left keeps its line while the leader still has something to tell it. */
  syncPeers(): void {
    const { core, peers } = this.#parts;
    const { role, membership } = core.state;
    peers.sync(
      membership.effective.membership.nodes,
      (peer) => role.name === 'leader' && role.leader.progress.has(peer),
    );
  }

  #persist(effect: Extract<Effect, { type: 'persist' }>): void {
    const { cache, persister } = this.#parts;
    if (effect.truncateFrom !== null) cache.truncate(effect.truncateFrom);
    cache.append(effect.entries);
    persister.enqueue(effect);
  }

  #executeRare(
    effect: Exclude<
      Effect,
      { type: 'persist' | 'replicate' | 'send' | 'commit' | 'proposed' | 'read-granted' | 'read-refused' }
    >,
  ): void {
    const { persister, snapshots, changes, events } = this.#parts;
    switch (effect.type) {
      case 'install-snapshot':
        snapshots.receiver.prepare(effect);
        persister.enqueue(effect);
        break;
      case 'membership-changed':
      case 'membership-refused':
      case 'transfer-done':
      case 'transfer-refused':
        changes.onEffect(effect);
        break;
      case 'send-snapshot':
        snapshots.sender.send(effect.to, effect.term, effect.session);
        break;
      case 'snapshot-verdict':
        snapshots.receiver.onVerdict(effect.token, effect.verdict);
        break;
      case 'purge':
        this.#parts.cache.purgeTo(effect.upTo.index);
        persister.purge(effect.upTo);
        events.emit({ type: 'log-purged', upTo: effect.upTo });
        break;
      case 'role-changed':
        this.#onRole(effect);
        break;
      case 'membership-effective':
        this.syncPeers();
        events.emit({ type: 'membership-changed', membership: effect.membership, isCommitted: effect.isCommitted });
        break;
      case 'peer-diverged':
        events.emit(effect);
        break;
      default:
        assertNever(effect);
    }
  }

  #onRole(effect: Extract<Effect, { type: 'role-changed' }>): void {
    const { proposals, changes, snapshots, events } = this.#parts;
    const isLeader = effect.role === 'leader';
    if (this.#wasLeader && !isLeader) {
      proposals.onLeadershipLost();
      changes.onLeadershipLost();
      snapshots.sender.abortAll('this node does not lead any more');
    }
    this.#wasLeader = isLeader;
    events.emit(effect);
  }
}
