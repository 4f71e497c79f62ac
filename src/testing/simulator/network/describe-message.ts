/** A message in a line. */
import type { LogId } from '../../../core/ids.ts';
import type { Message } from '../../../core/message.ts';

export function describeMessage(message: Message): string {
  const { type, term } = message;
  const start = `${type} term ${term}`;
  switch (message.type) {
    case 'append-request': {
      const { prevLogId, entries, commitIndex, session, round } = message;
      const kinds = entries.map(({ logId, kind }) => `${kind.charAt(0)}${at(logId)}`).join(' ');
      return `${start} after ${at(prevLogId)} [${kinds}] commit ${commitIndex} session ${session} round ${round}`;
    }
    case 'append-response': {
      const { success, matchIndex, prevIndex, conflictHint, lastIndex, session, round } = message;
      const outcome = success
        ? `match ${matchIndex}`
        : `refused, hint ${conflictHint === null ? 'none' : at(conflictHint)}`;
      return `${start} ${outcome} prev ${prevIndex} last ${lastIndex} session ${session} round ${round}`;
    }
    case 'heartbeat-request':
      return `${start} commit ${message.commitIndex} session ${message.session} round ${message.round}`;
    case 'heartbeat-response':
      return `${start} verified ${message.verifiedIndex} session ${message.session} round ${message.round}`;
    case 'vote-request':
      return `${start} last ${at(message.lastLogId)}${message.transfer ? ' transfer' : ''}`;
    case 'pre-vote-request':
      return `${start} last ${at(message.lastLogId)}`;
    case 'vote-response':
    case 'pre-vote-response':
      return `${start} ${message.granted ? 'granted' : 'refused'}`;
    case 'snapshot-response':
      return `${start} match ${message.matchIndex} session ${message.session}`;
    case 'timeout-now':
      return start;
  }
}

function at({ term, index }: LogId): string {
  return `${term}:${index}`;
}
