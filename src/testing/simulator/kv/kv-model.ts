/** The application of the simulator as a linearizability check knows it: one register or list for each key. */
import { checkLinearizability } from '../../linearizability/check-linearizability.ts';
import type { CheckResult } from '../../linearizability/check-result.ts';
import type { Model } from '../../linearizability/model.ts';
import { accepted, perKey, REFUSED } from '../../linearizability/model.ts';
import type { Operation } from '../../linearizability/operation.ts';
import type { SettledCall } from '../observation/client-call.ts';
import type { KvResponse } from './kv-types.ts';
import { isListKey } from './kv-types.ts';

/** What a call asks of its key. */
export type KvInput =
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'set' | 'append'; readonly key: string; readonly value: number }
  | { readonly type: 'cas'; readonly key: string; readonly value: number; readonly expected: number | null };

export type KvOutput = KvResponse | readonly number[];

/** A register's value; of a list its length and a fingerprint, which are all that two lists can be told apart by. */
export type KvKeyState = number | null | { readonly length: number; readonly hash: number };

const EMPTY_LIST = Object.freeze({ length: 0, hash: 0 });

export function kvModel(): Model<KvInput, KvOutput, KvKeyState> {
  return perKey<KvInput, KvOutput, KvKeyState>(
    {
      name: 'register or list',
      initial: () => null,
      step: (state, input, output) => {
        if (isListKey(input.key)) return stepList(state, input, output);
        return stepRegister(state, input, output);
      },
      key: (state) => (typeof state === 'object' && state !== null ? `${state.length}:${state.hash}` : String(state)),
      isReadOnly: (input, output) => input.type === 'get' || (input.type === 'cas' && output === 0),
      isOverwrite: (input, output) => input.type === 'set' && output === undefined,
      describe: (input, output) => `${JSON.stringify(input)} ${output === undefined ? '?' : JSON.stringify(output)}`,
      describeState: (state) => JSON.stringify(state),
    },
    ({ key }) => key,
  );
}

/** Writes and the reads that must be linearizable, each between its call and its answer. */
export function operationsOfCalls(history: readonly SettledCall[]): readonly Operation<KvInput, KvOutput>[] {
  return history.flatMap((call): Operation<KvInput, KvOutput>[] => {
    const input = inputOf(call);
    if (input === null) return [];
    const made = { process: call.client, input, callAt: call.callOrder };
    if (call.outcome === 'unknown') return [{ type: 'unknown', ...made }];
    const returnAt = call.returnOrder;
    if (call.outcome === 'failed' || call.output === null) return [{ type: 'failed', ...made, returnAt }];
    const output = call.output.type === 'read' ? call.output.value : call.output.response;
    return [{ type: 'ok', ...made, returnAt, output }];
  });
}

/** Enough for most runs, and soon over for the others. */
const LIMITS = Object.freeze({ maxSteps: 2_000_000, maxCacheEntries: 100_000 });

/**
 * Knows nothing of logs and indexes: what it finds, clients could have found. Undecided where too many outcomes are
 * unknown.
 */
export function checkCalls(history: readonly SettledCall[]): CheckResult<KvInput, KvOutput> {
  return checkLinearizability(operationsOfCalls(history), kvModel(), LIMITS);
}

function inputOf({ input }: SettledCall): KvInput | null {
  if (input.type === 'read') {
    const isChecked = input.level === 'linearizable' || input.level === 'lease';
    return isChecked ? { type: 'get', key: input.key } : null;
  }
  const { operation, key, value, expected } = input.request;
  return operation === 'cas' ? { type: 'cas', key, value, expected } : { type: operation, key, value };
}

type Step = ReturnType<Model<KvInput, KvOutput, KvKeyState>['step']>;

function stepRegister(state: KvKeyState, input: KvInput, output: KvOutput | undefined): Step {
  if (input.type === 'get') return output === undefined || output === state ? accepted(state) : REFUSED;
  if (input.type !== 'cas') return output === undefined || output === state ? accepted(input.value) : REFUSED;
  const isDone = state === input.expected;
  if (output === undefined) return isDone ? accepted(input.value) : REFUSED;
  if (output !== (isDone ? 1 : 0)) return REFUSED;
  return accepted(isDone ? input.value : state);
}

function stepList(state: KvKeyState, input: KvInput, output: KvOutput | undefined): Step {
  const list = typeof state === 'object' && state !== null ? state : EMPTY_LIST;
  if (input.type === 'append') {
    const next = { length: list.length + 1, hash: mix(list.hash, input.value) };
    return output === undefined || output === next.length ? accepted<KvKeyState>(next) : REFUSED;
  }
  const isSame = Array.isArray(output) && output.length === list.length && output.reduce(mix, 0) === list.hash;
  return output === undefined || isSame ? accepted(state) : REFUSED;
}

function mix(hash: number, value: number): number {
  return (Math.imul(hash ^ value, 0x0100_0193) ^ (hash >>> 13)) >>> 0;
}
