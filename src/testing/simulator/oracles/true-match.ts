/**
 * A leader counts only what a peer really has (figure 2, `matchIndex`): everything up to there is on the peer's disk, as
 * long as the peer follows no later leader and has the disk that it had when the leader began to send to it.
 */
import type { LogIndex, NodeId, Term } from '../../../core/ids.ts';
import type { NodeView, ProgressView } from '../observation/node-view.ts';
import type { Oracle } from './oracle.ts';
import { check } from './oracle.ts';

const PROPERTY = 'match indexes are true';

/** One stream of appends from a leader to a peer. */
interface Stream {
  readonly life: number;
  readonly term: Term;
  readonly session: number;
  /** The disk of the peer when the stream was first seen. */
  readonly diskNumber: number;
  matchIndex: LogIndex;
}

export class TrueMatch implements Oracle {
  readonly #nodeOf: (id: NodeId) => NodeView | undefined;
  readonly #streams = new Map<NodeId, Map<NodeId, Stream>>();

  constructor(nodeOf: (id: NodeId) => NodeView | undefined) {
    this.#nodeOf = nodeOf;
  }

  settled(node: NodeView): void {
    const progress = node.core?.role.leader?.progress;
    if (progress === undefined) return;
    for (const [peer, { session, matchIndex }] of progress) this.#look(node, peer, { session, matchIndex });
  }

  #look(leader: NodeView, peerId: NodeId, { session, matchIndex }: ProgressView): void {
    const peer = this.#nodeOf(peerId);
    const term = leader.core?.hardState.term ?? 0;
    if (peer === undefined) return;
    const stream = this.#streamTo(leader, peer, { term, session });
    if (stream.matchIndex === matchIndex) return;
    stream.matchIndex = matchIndex;
    const isComparable = peer.diskNumber === stream.diskNumber && peer.log.hardState.term <= term;
    const matchTerm = leader.core?.log.termAt(matchIndex) ?? null;
    if (!isComparable || matchTerm === null) return;
    const isHeld = peer.disk.covers({ term: matchTerm, index: matchIndex });
    check(isHeld, PROPERTY, () => {
      return `leader ${leader.id} of term ${term} thinks that ${peerId} has ${matchTerm}:${matchIndex}; it has ${peer.disk.describe()}`;
    });
  }

  #streamTo({ id, life }: NodeView, peer: NodeView, now: { readonly term: Term; readonly session: number }): Stream {
    const streams = this.#streams.get(id) ?? new Map<NodeId, Stream>();
    this.#streams.set(id, streams);
    const known = streams.get(peer.id);
    const isSame = known?.life === life && known.term === now.term && known.session === now.session;
    if (isSame) return known;
    const stream: Stream = { life, ...now, diskNumber: peer.diskNumber, matchIndex: 0 };
    streams.set(peer.id, stream);
    return stream;
  }
}
