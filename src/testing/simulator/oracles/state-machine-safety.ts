/**
 * State machine safety (§5.4.3, figure 3): no two nodes commit or apply different entries at one index. What is committed
 * is on the disks of a quorum, in order (§5.3, §5.4.2).
 */
import type { Entry } from '../../../core/entry.ts';
import type { LogId, LogIndex, NodeId, Term } from '../../../core/ids.ts';
import type { Message } from '../../../core/message.ts';
import type { CommittedLog } from '../observation/committed-log.ts';
import { describeMembership, isSameEntry } from '../observation/entries.ts';
import type { KnownEntries } from '../observation/known-entries.ts';
import type { LogImage } from '../observation/log-image.ts';
import type { AppliedEntry, NodeView } from '../observation/node-view.ts';
import type { Oracle, RestoredState } from './oracle.ts';
import { check } from './oracle.ts';
import { holdsQuorum } from './own-quorum.ts';

const PROPERTY = 'state machine safety';
const DURABLE = 'commits are durable';
const SAME_STATE = 'equal states';

export interface StateMachineSafetyParts {
  readonly committed: CommittedLog;
  readonly known: KnownEntries;
  /** All disks that a node ever had. */
  readonly disksOf: (id: NodeId) => readonly LogImage[];
}

interface StateAt {
  readonly applied: LogId;
  readonly digest: number;
  readonly stateHash: number;
}

export class StateMachineSafety implements Oracle {
  readonly #committed: CommittedLog;
  readonly #known: KnownEntries;
  readonly #disksOf: StateMachineSafetyParts['disksOf'];
  readonly #seen = new Map<NodeId, { readonly life: number; commitIndex: LogIndex }>();
  readonly #stateHashes = new Map<LogIndex, number>();

  constructor({ committed, known, disksOf }: StateMachineSafetyParts) {
    this.#committed = committed;
    this.#known = known;
    this.#disksOf = disksOf;
  }

  settled(node: NodeView): void {
    const { id, life, core } = node;
    if (core === null) return;
    let seen = this.#seen.get(id);
    if (seen === undefined || seen.life !== life) {
      seen = { life, commitIndex: 0 };
      this.#seen.set(id, seen);
    }
    if (core.commitIndex === seen.commitIndex) return;
    const from = Math.max(seen.commitIndex, core.log.purged.index);
    for (let index = from + 1; index <= core.commitIndex; index += 1) this.#see(node, index, core.log.termAt(index));
    seen.commitIndex = core.commitIndex;
  }

  /** A leader that dies while it tells of a commit counted by its own config, which may be news to whom it told. */
  sent(node: NodeView, _to: NodeId, message: Message): void {
    const isTold = message.type === 'append-request' || message.type === 'heartbeat-request';
    if (isTold && message.commitIndex > this.#committed.lastIndex) this.settled(node);
  }

  applied(node: NodeView, { entry, response }: AppliedEntry): void {
    // The commit may be news of the same turn.
    this.settled(node);
    const { logId } = entry;
    const known = this.#committed.at(logId.index);
    const isSame = known !== undefined && isSameEntry(known.entry, entry);
    check(
      isSame,
      PROPERTY,
      () => `node ${node.id} applies ${logId.term}:${logId.index}, committed is ${describe(known?.entry)}`,
    );
    if (known === undefined || entry.kind !== 'normal') return;
    check(response === known.response, SAME_STATE, () => {
      const what = `${String(response)} for ${logId.term}:${logId.index}, which should be ${String(known.response)}`;
      return `the state machine of node ${node.id} returned ${what}`;
    });
  }

  restored(node: NodeView, { meta, digest, stateHash }: RestoredState): void {
    this.#checkState(node.id, { applied: meta.lastLogId, digest, stateHash });
  }

  viewed({ id }: NodeView, state: StateAt): void {
    this.#checkState(id, state);
  }

  #checkState(id: NodeId, { applied, digest, stateHash }: StateAt): void {
    const { term, index } = applied;
    if (index === 0) return;
    const known = this.#committed.at(index);
    const isCommitted = known?.entry.logId.term === term;
    check(
      isCommitted,
      PROPERTY,
      () => `node ${id} has a snapshot of ${term}:${index}, committed is ${describe(known?.entry)}`,
    );
    check(known?.digest === digest, SAME_STATE, () => `the state of node ${id} at ${index} comes from other entries`);
    const other = this.#stateHashes.get(index);
    check(other === undefined || other === stateHash, SAME_STATE, () => `node ${id} has another state at ${index}`);
    this.#stateHashes.set(index, stateHash);
  }

  #see(node: NodeView, index: LogIndex, term: Term | null): void {
    const known = this.#committed.at(index);
    if (known === undefined) this.#commit(node, index, this.#known.get(index, term));
    else {
      const { logId } = known.entry;
      check(
        term === logId.term,
        PROPERTY,
        () => `node ${node.id} commits ${String(term)}:${index}, not ${logId.term}:${index}`,
      );
    }
  }

  #commit(node: NodeView, index: LogIndex, entry: Entry | undefined): void {
    const { lastIndex } = this.#committed;
    const isNext = entry !== undefined && lastIndex === index - 1;
    check(isNext, PROPERTY, () => `node ${node.id} commits ${describe(entry)} at ${index} after ${lastIndex}`);
    if (entry === undefined || node.core === null) return;
    const { committed, effective } = node.core.membership;
    // The config may have changed in the very step that committed.
    const isDurable = [effective, committed].some(({ membership }) =>
      holdsQuorum(membership.configs, (id) => this.#disksOf(id).some((disk) => disk.covers(entry.logId))),
    );
    check(isDurable, DURABLE, () => {
      const config = describeMembership(effective.membership);
      return `node ${node.id} commits ${describe(entry)}, which no quorum of ${config} has on disk`;
    });
    this.#committed.commit(entry, node.core.hardState.term, node.id);
  }
}

function describe(entry: Entry | undefined): string {
  return entry === undefined ? 'nothing' : `${entry.logId.term}:${entry.logId.index}`;
}
