/** No phantom and no duplicate (§8): only what a client asked for is applied, at one place of the log, in order. */
import type { LogId, LogIndex, NodeId } from '../../../core/ids.ts';
import { kvCodec } from '../kv/kv-codec.ts';
import type { StartedCall } from '../observation/client-call.ts';
import type { AppliedEntry, NodeView } from '../observation/node-view.ts';
import type { Oracle, RestoredState } from './oracle.ts';
import { check } from './oracle.ts';

const PROPERTY = 'applied once, in order';

export class ApplyOnce implements Oracle {
  readonly #called = new Set<number>();
  readonly #indexOf = new Map<number, LogIndex>();
  readonly #appliedIndex = new Map<NodeId, LogIndex>();

  called({ input }: StartedCall): void {
    if (input.type === 'write') this.#called.add(input.request.callId);
  }

  started({ id }: NodeView, applied: LogId): void {
    this.#appliedIndex.set(id, applied.index);
  }

  restored({ id }: NodeView, { meta }: RestoredState): void {
    const before = this.#appliedIndex.get(id) ?? 0;
    const { index } = meta.lastLogId;
    check(index >= before, PROPERTY, () => `node ${id} restores ${index}, but has applied ${before} already`);
    this.#appliedIndex.set(id, index);
  }

  applied({ id }: NodeView, { entry }: AppliedEntry): void {
    const { index } = entry.logId;
    const before = this.#appliedIndex.get(id) ?? 0;
    check(index === before + 1, PROPERTY, () => `node ${id} applies ${index} after ${before}`);
    this.#appliedIndex.set(id, index);
    if (entry.kind !== 'normal') return;
    const { callId } = kvCodec.decodeRequest(entry.payload);
    check(this.#called.has(callId), PROPERTY, () => `node ${id} applies request ${callId}, which nobody made`);
    const known = this.#indexOf.get(callId);
    check(
      known === undefined || known === index,
      PROPERTY,
      () => `request ${callId} is applied at ${known} and at ${index}`,
    );
    this.#indexOf.set(callId, index);
  }
}
