/** Applies at start what is known to be committed, so that it is read from the log only once. */
import type { LogId } from '../core/ids.ts';
import { CorruptionError } from '../errors.ts';
import type { Clock, Timers } from '../ports/clock.ts';
import type { LogStore } from '../ports/log-store.ts';
import type { StateMachine } from '../ports/state-machine.ts';

const READ_BYTES = 1024 * 1024;
/** Longest uninterrupted work, ms: the process may serve others while this node starts. */
const SLICE_MS = 5;
/** Entries between two looks at the clock. */
const SLICE_ENTRIES = 256;

export interface ReplayParts {
  readonly logStore: LogStore;
  readonly stateMachine: StateMachine<unknown, unknown>;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** Applies the entries from behind the applied one up to `upTo`, which the log holds. The log is durable by now. */
export async function replay({ logStore, stateMachine, clock, timers }: ReplayParts, upTo: LogId): Promise<void> {
  let index = stateMachine.applied().lastApplied.index + 1;
  let sliceEndMs = clock.nowMs() + SLICE_MS;
  while (index <= upTo.index) {
    const entries = await logStore.read(index, upTo.index + 1, READ_BYTES);
    if (entries[0]?.logId.index !== index) {
      throw new CorruptionError(`the log has no entry ${index}, which is committed but not applied`);
    }
    for (let start = 0; start < entries.length; start += SLICE_ENTRIES) {
      const slice = entries.slice(start, start + SLICE_ENTRIES);
      const results = await stateMachine.apply(slice);
      if (results.length !== slice.length) {
        throw new Error(`the state machine answered ${results.length} results for ${slice.length} entries`);
      }
      if (clock.nowMs() < sliceEndMs) continue;
      await new Promise<void>((resolve) => timers.nextTurn(resolve));
      sliceEndMs = clock.nowMs() + SLICE_MS;
    }
    index += entries.length;
  }
}
