/**
 * Durability: what a store said is on the disk is found there by the next process (figure 2, persistent state), and what
 * a client was told is written is committed, for good (§8).
 */
import type { SettledCall } from '../observation/client-call.ts';
import type { CommittedLog } from '../observation/committed-log.ts';
import type { NodeView } from '../observation/node-view.ts';
import type { Oracle } from './oracle.ts';
import { check } from './oracle.ts';

const STORED = 'durable log';
const ACKNOWLEDGED = 'acknowledged writes are durable';

export class DurableLog implements Oracle {
  readonly #committed: CommittedLog;
  readonly #acknowledged: SettledCall[] = [];

  constructor(committed: CommittedLog) {
    this.#committed = committed;
  }

  opened({ id, life, disk }: NodeView, isExplained: boolean): void {
    check(isExplained, STORED, () => `node ${id} finds in life ${life} what was not written so: ${disk.describe()}`);
  }

  returned(call: SettledCall): void {
    if (call.outcome !== 'ok' || call.input.type !== 'write') return;
    this.#acknowledged.push(call);
    this.#check(call);
  }

  ended(): void {
    for (const call of this.#acknowledged) this.#check(call);
  }

  #check({ id, node, input }: SettledCall): void {
    if (input.type !== 'write') return;
    const isCommitted = this.#committed.indexOf(input.request.callId) !== null;
    check(isCommitted, ACKNOWLEDGED, () => `node ${node} says that call ${id} is written, but it is not committed`);
  }
}
