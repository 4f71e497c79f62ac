/**
 * What figure 2 calls persistent state is on the disk before a message promises it: a vote before it is granted, entries
 * before they are acknowledged (§5.1, §5.2, §5.3).
 */
import type { NodeId } from '../../../core/ids.ts';
import type { Message } from '../../../core/message.ts';
import type { NodeView } from '../observation/node-view.ts';
import type { Oracle } from './oracle.ts';
import { check } from './oracle.ts';

const PROPERTY = 'durable promises';

export class DurablePromises implements Oracle {
  sent({ id, disk }: NodeView, to: NodeId, message: Message): void {
    const { term, votedFor } = disk.hardState;
    switch (message.type) {
      case 'vote-response': {
        const isDurable = term > message.term || (term === message.term && votedFor === to);
        if (!message.granted) return;
        check(
          isDurable,
          PROPERTY,
          () => `${id} votes for ${to} in term ${message.term}; on its disk: ${disk.describe()}`,
        );
        return;
      }
      case 'vote-request': {
        const isDurable = term > message.term || (term === message.term && votedFor === id);
        check(isDurable, PROPERTY, () => `${id} campaigns in term ${message.term}; on its disk: ${disk.describe()}`);
        return;
      }
      case 'append-response':
      case 'snapshot-response': {
        const { matchIndex } = message;
        // In a later term the entries may be replaced already, and the acknowledgement counts no more.
        const isDurable = term > message.term || (term === message.term && matchIndex <= disk.lastLogId.index);
        if (matchIndex === 0) return;
        check(
          isDurable,
          PROPERTY,
          () => `${id} acknowledges ${matchIndex} of term ${message.term}; on its disk: ${disk.describe()}`,
        );
        return;
      }
      default:
        return;
    }
  }
}
