/** A store whose values grow: put, get and append, as in a well-known course on distributed systems. */
import type { Model } from '../../../src/testing/linearizability/model.ts';
import { accepted, perKey, REFUSED } from '../../../src/testing/linearizability/model.ts';

export type AppendInput =
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'put' | 'append'; readonly key: string; readonly value: string };

export function appendModel(): Model<AppendInput, string | null, string> {
  const oneKey: Model<AppendInput, string | null, string> = {
    name: 'put, get and append',
    initial: () => '',
    step(state, input, output) {
      if (input.type === 'get') return output === undefined || output === state ? accepted(state) : REFUSED;
      return accepted(input.type === 'put' ? input.value : state + input.value);
    },
    key: (state) => state,
    isReadOnly: ({ type }) => type === 'get',
    isOverwrite: ({ type }) => type === 'put',
    describe: (input, output) => `${input.type} ${input.type === 'get' ? output : input.value}`,
    describeState: (state) => state,
  };
  return perKey(oneKey, ({ key }) => key);
}
