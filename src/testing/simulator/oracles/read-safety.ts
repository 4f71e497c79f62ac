/**
 * Reads are never stale (§8, thesis §6.4): a linearizable read, by round or by lease, sees everything that any client was
 * told of before the read began; and what it returns is what the log says.
 */
import type { LogIndex } from '../../../core/ids.ts';
import type { SettledCall, StartedCall } from '../observation/client-call.ts';
import type { CommittedLog } from '../observation/committed-log.ts';
import type { Oracle } from './oracle.ts';
import { check } from './oracle.ts';

const FRESH = 'reads are linearizable';
const TRUE = 'reads are true';

export class ReadSafety implements Oracle {
  readonly #committed: CommittedLog;
  /** The last entry whose effect somebody was told of. */
  #toldIndex: LogIndex = 0;
  /** What that was when a call under way began. */
  readonly #toldBefore = new Map<number, LogIndex>();

  constructor(committed: CommittedLog) {
    this.#committed = committed;
  }

  called({ id }: StartedCall): void {
    this.#toldBefore.set(id, this.#toldIndex);
  }

  returned(call: SettledCall): void {
    const toldBefore = this.#toldBefore.get(call.id) ?? 0;
    this.#toldBefore.delete(call.id);
    if (call.outcome !== 'ok' || call.output === null) return;
    if (call.input.type === 'write') this.#written(call, toldBefore);
    else this.#read(call, toldBefore);
  }

  /** Its place in the log must agree with the order in which calls were made and answered. */
  #written(call: SettledCall, toldBefore: LogIndex): void {
    if (call.input.type !== 'write') return;
    const index = this.#committed.indexOf(call.input.request.callId);
    if (index === null) return;
    check(
      index > toldBefore,
      FRESH,
      () => `call ${call.id} is at ${index}, before ${toldBefore}, which was answered before it began`,
    );
    this.#toldIndex = Math.max(this.#toldIndex, index);
  }

  #read(call: SettledCall, toldBefore: LogIndex): void {
    const { input, output, id, node } = call;
    if (input.type !== 'read' || output?.type !== 'read') return;
    const { stateIndex, value } = output;
    const expected = this.#committed.valueAt(input.key, stateIndex);
    const isTrue = JSON.stringify(expected) === JSON.stringify(value);
    check(
      isTrue,
      TRUE,
      () =>
        `node ${node} reads ${JSON.stringify(value)} of ${input.key} at ${stateIndex}, not ${JSON.stringify(expected)}`,
    );
    if (input.level === 'at-least') {
      check(
        stateIndex >= input.atLeast,
        FRESH,
        () => `call ${id} reads ${stateIndex}, wanted at least ${input.atLeast}`,
      );
    }
    if (input.level !== 'linearizable' && input.level !== 'lease') return;
    check(stateIndex >= toldBefore, FRESH, () => {
      return `the ${input.level} read ${id} on node ${node} sees ${stateIndex}, but ${toldBefore} was answered before it began`;
    });
    this.#toldIndex = Math.max(this.#toldIndex, stateIndex);
  }
}
