/** A first-in first-out queue, the example of the paper that defined linearizability. */
import type { Model } from '../../../src/testing/linearizability/model.ts';
import { accepted, REFUSED } from '../../../src/testing/linearizability/model.ts';

export interface QueueInput {
  readonly type: 'enqueue' | 'dequeue';
  /** Of an enqueue. */
  readonly value?: string;
  /** Which queue, where there are several. */
  readonly queue?: string;
}

/** What was taken out; `null` for an enqueue. */
export type QueueOutput = string | null;

export function queueModel(): Model<QueueInput, QueueOutput, readonly string[]> {
  return {
    name: 'queue',
    initial: () => [],
    step(state, { type, value = '' }, output) {
      if (type === 'enqueue') return accepted([...state, value]);
      const [first, ...rest] = state;
      return first !== undefined && (output === undefined || output === first) ? accepted(rest) : REFUSED;
    },
    key: (state) => JSON.stringify(state),
    isReadOnly: () => false,
    describe: ({ type, value = '' }, output) => `${type} ${value}${output ?? ''}`,
    describeState: (state) => `[${state.join(' ')}]`,
  };
}
