/** Long histories of many clients that are linearizable by construction. The same seed gives the same history. */
import type {
  KeyValueInput,
  KeyValueOutput,
} from '../../../src/testing/linearizability/models/key-value-operations.ts';
import type { Operation } from '../../../src/testing/linearizability/operation.ts';
import { stores } from './objects.ts';
import type { Answer } from './random-histories.ts';

export type StoreOperation = Operation<KeyValueInput, KeyValueOutput>;

export interface LargeHistorySize {
  readonly seed: number;
  readonly operations: number;
  readonly keys: number;
  readonly clients: number;
  /** Share of the operations whose outcome is unknown, half of which never take effect. */
  readonly unknown: number;
}

export interface LargeHistoryOptions extends LargeHistorySize {
  /** Share of the operations that list all keys. */
  readonly lists?: number;
}

/** What clients ask, and who answers. */
export interface Workload<Input, Output> {
  /** The `n`th question. */
  readonly ask: (random: () => number, n: number) => Input;
  readonly answer: Answer<Input, Output>;
}

interface Planned<Input> {
  readonly input: Input;
  readonly process: number;
  readonly callAt: number;
  readonly pointAt: number;
  readonly returnAt: number;
  readonly fate: 'ok' | 'late' | 'lost';
}

export function largeHistory(options: LargeHistoryOptions): readonly StoreOperation[] {
  return largeHistoryOf(options, {
    ask: (random, n) => randomInput(random, n, options),
    answer: stores.createObject(),
  });
}

/** A client calls, waits, calls again. One whose call is of unknown outcome goes on under a new name. */
export function largeHistoryOf<Input, Output>(
  options: LargeHistorySize,
  { ask, answer }: Workload<Input, Output>,
): readonly Operation<Input, Output>[] {
  const random = seededRandom(options.seed);
  const freeAt = Array.from({ length: options.clients }, () => random() * 10);
  const names = freeAt.map((_, client) => client);
  const planned: Planned<Input>[] = [];
  for (let n = 0; n < options.operations; n += 1) {
    const client = freeAt.indexOf(Math.min(...freeAt));
    const callAt = (freeAt[client] ?? 0) + random();
    const returnAt = callAt + 1 + random() * 9;
    const isUnknown = random() < options.unknown;
    const fate = isUnknown ? (random() < 0.5 ? 'late' : 'lost') : 'ok';
    const pointAt = fate === 'late' ? callAt + random() * 200 : callAt + random() * (returnAt - callAt);
    const input = ask(random, n);
    planned.push({ input, process: names[client] ?? 0, callAt, pointAt, returnAt, fate });
    freeAt[client] = returnAt;
    if (isUnknown) names[client] = (names[client] ?? 0) + options.clients;
  }
  return execute(planned, answer);
}

function execute<Input, Output>(
  planned: readonly Planned<Input>[],
  answer: Answer<Input, Output>,
): readonly Operation<Input, Output>[] {
  const answered = new Map<Planned<Input>, { readonly output: Output }>();
  for (const operation of planned.toSorted((a, b) => a.pointAt - b.pointAt)) {
    if (operation.fate === 'lost') continue;
    answered.set(operation, { output: answer(operation.input, Math.floor(operation.pointAt)) });
  }
  return planned.map((operation): Operation<Input, Output> => {
    const { process, input, callAt, returnAt } = operation;
    const known = answered.get(operation);
    if (operation.fate !== 'ok' || known === undefined) return { type: 'unknown', process, input, callAt };
    return { type: 'ok', process, input, output: known.output, callAt, returnAt };
  });
}

/** Every write has a value of its own; a cas expects one that was written not long ago. */
function randomInput(random: () => number, n: number, { keys, lists = 0 }: LargeHistoryOptions): KeyValueInput {
  if (random() < lists) return { type: 'list', prefix: '' };
  const key = `key ${Math.floor(random() * keys)}`;
  const kind = random();
  if (kind < 0.45) return { type: 'get', key };
  if (kind < 0.8) return { type: 'put', key, value: n };
  if (kind < 0.85) return { type: 'delete', key };
  return { type: 'cas', key, from: n - Math.ceil(random() * 20), to: n };
}

/** A small generator of numbers in [0, 1): a counter, well mixed. */
function seededRandom(seed: number): () => number {
  let counter = seed;
  return () => {
    counter = (counter + 0x6d2b79f5) | 0;
    let h = Math.imul(counter ^ (counter >>> 15), counter | 1);
    h ^= h + Math.imul(h ^ (h >>> 7), h | 61);
    return ((h ^ (h >>> 14)) >>> 0) / 2 ** 32;
  };
}
