/** A number that is added to. Finds additions that were lost or done twice. */
import type { Model } from '../model.ts';
import { accepted, REFUSED } from '../model.ts';

export type CounterInput = { readonly type: 'get' } | { readonly type: 'add'; readonly amount: number };

/** The value, for a get; the new value, for an add, or `null` if the service doesn't tell. */
export type CounterOutput = number | null;

export function counterModel(initialValue = 0): Model<CounterInput, CounterOutput, number> {
  return {
    name: 'counter',
    initial: () => initialValue,
    step(state, input, output) {
      const value = input.type === 'add' ? state + input.amount : state;
      const isSilent = output === undefined || (output === null && input.type === 'add');
      return isSilent || output === value ? accepted(value) : REFUSED;
    },
    key: (state) => state,
    isReadOnly: (input) => input.type === 'get',
    describe(input, output) {
      const asked = input.type === 'add' ? `add ${input.amount}` : 'get';
      return output === null ? asked : `${asked} → ${output ?? '?'}`;
    },
    describeState: (state) => String(state),
  };
}
