/** The application of the simulator as a linearizability check knows it: one register or list for each key. */
import { assertNever } from '../../../core/invariants.ts';
import { checkLinearizability } from '../../linearizability/check-linearizability.ts';
import type { CheckResult } from '../../linearizability/check-result.ts';
import type { Model } from '../../linearizability/model.ts';
import { accepted, perKey, REFUSED } from '../../linearizability/model.ts';
import type { Operation } from '../../linearizability/operation.ts';
import type { SettledCall, StartedCall } from '../observation/client-call.ts';
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
      describe: describeKv,
      describeState,
    },
    ({ key }) => key,
  );
}

/**
 * Writes and the reads that must be linearizable, each between its call and its answer, in virtual milliseconds. Calls
 * that are still open have an unknown outcome.
 */
export function operationsOfCalls(
  history: readonly SettledCall[],
  open: readonly StartedCall[] = [],
): readonly Operation<KvInput, KvOutput>[] {
  const timeAt = timesOf(history, open);
  const settled = history.flatMap((call): Operation<KvInput, KvOutput>[] => {
    const input = inputOf(call);
    if (input === null) return [];
    const made = { process: processOf(call), input, callAt: timeAt(call.callOrder) };
    if (call.outcome === 'unknown') return [{ type: 'unknown', ...made }];
    const returnAt = timeAt(call.returnOrder);
    if (call.outcome === 'failed' || call.output === null) return [{ type: 'failed', ...made, returnAt }];
    const output = call.output.type === 'read' ? call.output.value : call.output.response;
    return [{ type: 'ok', ...made, returnAt, output }];
  });
  const unanswered = open.flatMap((call): Operation<KvInput, KvOutput>[] => {
    const input = inputOf(call);
    if (input === null) return [];
    return [{ type: 'unknown', process: processOf(call), input, callAt: timeAt(call.callOrder) }];
  });
  return [...settled, ...unanswered];
}

function processOf({ client }: StartedCall): string {
  return `client ${client}`;
}

/** Between things that happened at one time, since only their order counts. */
const TICK_MS = 0.001;

/** The times of calls and answers by their order, as the trace has them, but no two alike. */
function timesOf(history: readonly SettledCall[], open: readonly StartedCall[]): (order: number) => number {
  const events = [
    ...history.map(({ returnOrder, returnMs }) => ({ order: returnOrder, atMs: returnMs })),
    ...[...history, ...open].map(({ callOrder, callMs }) => ({ order: callOrder, atMs: callMs })),
  ].toSorted((a, b) => a.order - b.order);
  const times = new Map<number, number>();
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const { order, atMs } of events) {
    lastMs = Math.max(atMs, lastMs + TICK_MS);
    times.set(order, lastMs);
  }
  return (order) => times.get(order) ?? order;
}

/** Enough for most runs, and soon over for the others. */
const LIMITS = Object.freeze({ maxSteps: 2_000_000, maxCacheEntries: 100_000 });

/**
 * Knows nothing of logs and indexes: what it finds, clients could have found. Undecided where too many outcomes are
 * unknown.
 */
export function checkCalls(
  history: readonly SettledCall[],
  open: readonly StartedCall[] = [],
): CheckResult<KvInput, KvOutput> {
  return checkLinearizability(operationsOfCalls(history, open), kvModel(), LIMITS);
}

function inputOf({ input }: StartedCall): KvInput | null {
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

/** `set 5 (before: 3)`, `get → 5`; a question mark for an answer that nobody knows. */
function describeKv(input: KvInput, output: KvOutput | undefined): string {
  const answer = output === undefined ? '?' : describeValue(output);
  switch (input.type) {
    case 'get':
      return `get → ${answer}`;
    case 'set':
      return `set ${input.value}${output === undefined ? ' → ?' : ` (before: ${answer})`}`;
    case 'append':
      return `append ${input.value} → ${output === undefined ? '?' : `${answer} long`}`;
    case 'cas': {
      const word = output === undefined ? '?' : output === 1 ? 'done' : 'refused';
      return `cas ${describeValue(input.expected)} to ${input.value} → ${word}`;
    }
    default:
      return assertNever(input);
  }
}

function describeValue(value: KvOutput): string {
  if (value === null) return 'none';
  return typeof value === 'number' ? String(value) : `[${value.join(', ')}]`;
}

function describeState(state: KvKeyState): string {
  if (state === null) return 'none';
  return typeof state === 'number' ? String(state) : `a list of ${state.length} (#${state.hash.toString(16)})`;
}
