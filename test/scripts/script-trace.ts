/** How messages, effects and states read in the recorded output. */
import type { Effect } from '../../src/core/effect.ts';
import type { Entry } from '../../src/core/entry.ts';
import type { LogId, NodeId } from '../../src/core/ids.ts';
import type { Membership } from '../../src/core/membership/membership.ts';
import { isVoter, learnerIds } from '../../src/core/membership/membership.ts';
import type { Message } from '../../src/core/message.ts';
import { textOf } from '../support/core-kit.ts';
import type { Envelope } from '../support/core-node.ts';

export function traceEnvelope({ from, to, cargo }: Envelope, isLost: boolean): string {
  return `${from}>${to} ${traceCargo(cargo)}${isLost ? ' (lost)' : ''}`;
}

function traceCargo(cargo: Envelope['cargo']): string {
  switch (cargo.type) {
    case 'message':
      return traceMessage(cargo.message);
    case 'offer':
      return `snapshot-offer term=${cargo.offer.term} last=${idText(cargo.offer.meta.lastLogId)}`;
    case 'snapshot':
      return `snapshot term=${cargo.offer.term} last=${idText(cargo.offer.meta.lastLogId)}`;
  }
}

function traceMessage(message: Message): string {
  const head = `${message.type} term=${message.term}`;
  switch (message.type) {
    case 'pre-vote-request':
      return `${head} last=${idText(message.lastLogId)}`;
    case 'vote-request':
      return `${head} last=${idText(message.lastLogId)}${message.transfer ? ' transfer' : ''}`;
    case 'pre-vote-response':
    case 'vote-response':
      return `${head} ${message.granted ? 'granted' : 'refused'}`;
    case 'append-request':
      return `${head} prev=${idText(message.prevLogId)} entries=[${message.entries.map(entryText).join(', ')}] commit=${message.commitIndex}`;
    case 'append-response':
      return message.success
        ? `${head} match=${message.matchIndex}`
        : `${head} conflict${message.conflictHint === null ? '' : ` hint=${idText(message.conflictHint)}`}`;
    case 'heartbeat-request':
      return `${head} round=${message.round} commit=${message.commitIndex}`;
    case 'heartbeat-response':
      return `${head} round=${message.round}`;
    case 'snapshot-response':
      return `${head} match=${message.matchIndex}`;
    case 'timeout-now':
      return head;
  }
}

/** `null` for effects that say nothing that the messages don't. */
export function traceEffect(id: NodeId, effect: Effect): string | null {
  switch (effect.type) {
    case 'role-changed':
      return `${id} is ${roleText(effect)}`;
    case 'commit':
      return `${id} commits ${idText(effect.logId)}`;
    case 'membership-effective':
      return effect.isCommitted ? null : `${id} uses ${membershipText(effect.membership.membership)}`;
    case 'membership-changed':
      return `${id} answers: changed to ${membershipText(effect.result.membership)}`;
    case 'proposed':
      return effect.refusal === null ? null : `${id} answers: ${effect.refusal.code}`;
    case 'membership-refused':
    case 'read-refused':
    case 'transfer-refused':
      return `${id} answers: ${effect.refusal.code}`;
    case 'read-granted':
      return `${id} answers: read at ${idText(effect.readLogId)}`;
    case 'transfer-done':
      return `${id} answers: transfer done`;
    case 'install-snapshot':
      return `${id} installs the snapshot of ${idText(effect.meta.lastLogId)}${effect.discardLog ? ', discarding its log' : ''}`;
    case 'purge':
      return `${id} purges its log up to ${idText(effect.upTo)}`;
    case 'peer-diverged':
      return `${id} reports: ${effect.peer} lost entries that it had acknowledged`;
    default:
      return null;
  }
}

export function traceWrite(id: NodeId, effect: Effect): string | null {
  if (effect.type !== 'persist') return null;
  const { hardState, truncateFrom, entries } = effect;
  const parts = [
    hardState === null ? null : `term=${hardState.term} vote=${hardState.votedFor ?? '-'}`,
    truncateFrom === null ? null : `truncate from ${truncateFrom}`,
    entries.length === 0 ? null : `entries=[${entries.map(entryText).join(', ')}]`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : `${id} writes ${parts.join(', ')}`;
}

function roleText({ role, term, leaderId }: Extract<Effect, { type: 'role-changed' }>): string {
  const leader = role === 'leader' || leaderId === null ? '' : ` of ${leaderId}`;
  return `${role}${leader}, term ${term}`;
}

export function idText({ term, index }: LogId): string {
  return index === 0 ? '-' : `${term}:${index}`;
}

function entryText(entry: Entry): string {
  if (entry.kind === 'blank') return `${idText(entry.logId)} blank`;
  if (entry.membership !== null) return `${idText(entry.logId)} ${membershipText(entry.membership)}`;
  const text = textOf(entry.payload);
  return text === idText(entry.logId) ? text : `${idText(entry.logId)} ${text}`;
}

export function membershipText(membership: Membership): string {
  const voters = membership.configs.map((config) => `{${config.join(',')}}`).join('&');
  const learners = learnerIds(membership).filter((id) => !isVoter(membership, id));
  return `voters ${voters}${learners.length === 0 ? '' : ` learners {${learners.join(',')}}`}`;
}
