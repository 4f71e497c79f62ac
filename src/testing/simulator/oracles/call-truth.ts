/**
 * Every call is settled once and truthfully: what failed was not applied and never will be, what was answered was applied
 * as answered, and anything else says that it does not know (§8).
 */
import type { SettledCall, StartedCall } from '../observation/client-call.ts';
import type { CommittedLog } from '../observation/committed-log.ts';
import type { Oracle } from './oracle.ts';
import { check } from './oracle.ts';

const TRUTH = 'calls are answered truthfully';
const ONCE = 'calls are answered once';

export class CallTruth implements Oracle {
  readonly #committed: CommittedLog;
  readonly #open = new Map<number, StartedCall>();
  /** Writes that failed: none of them may ever be committed. */
  readonly #failed: SettledCall[] = [];

  constructor(committed: CommittedLog) {
    this.#committed = committed;
  }

  called(call: StartedCall): void {
    check(!this.#open.has(call.id), ONCE, () => `call ${call.id} is made twice`);
    this.#open.set(call.id, call);
  }

  returned(call: SettledCall): void {
    check(this.#open.delete(call.id), ONCE, () => `call ${call.id} is answered again`);
    if (call.input.type !== 'write') return;
    if (call.outcome === 'failed') {
      this.#failed.push(call);
      this.#checkFailed(call);
    }
    if (call.outcome === 'ok') this.#checkAnswer(call);
  }

  ended(): void {
    for (const call of this.#failed) this.#checkFailed(call);
    for (const { id, node, callMs } of this.#open.values()) {
      check(false, ONCE, () => `call ${id}, made on node ${node} at ${callMs} ms, is never answered`);
    }
  }

  #checkFailed({ id, node, input, error }: SettledCall): void {
    if (input.type !== 'write') return;
    const index = this.#committed.indexOf(input.request.callId);
    check(index === null, TRUTH, () => `call ${id} on node ${node} failed with ${error}, but is committed at ${index}`);
  }

  #checkAnswer({ id, node, input, output }: SettledCall): void {
    if (input.type !== 'write' || output?.type !== 'written') return;
    const known = this.#committed.at(this.#committed.indexOf(input.request.callId) ?? 0);
    const isSame = known !== undefined && known.response === output.response;
    check(
      isSame,
      TRUTH,
      () => `node ${node} answers ${String(output.response)} to call ${id}, not ${String(known?.response)}`,
    );
  }
}
