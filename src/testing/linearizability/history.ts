/**
 * Histories as files: one JSON object a line, in the order in which things happened.
 *
 * ```json
 * {"type":"invoke","id":0,"at":1.5,"process":"c1","input":{"type":"read"}}
 * {"type":"ok","id":0,"at":2.25,"output":7}
 * ```
 */
import type { Operation, ProcessId } from './operation.ts';

/** A call, or its end. `id` joins the two; `at` is in milliseconds, and strictly later than that of the event before. */
export type HistoryEvent<Input, Output> =
  | {
      readonly type: 'invoke';
      readonly id: number;
      readonly at: number;
      readonly process: ProcessId;
      readonly input: Input;
    }
  | { readonly type: 'ok'; readonly id: number; readonly at: number; readonly output: Output }
  | { readonly type: 'failed'; readonly id: number; readonly at: number }
  | { readonly type: 'unknown'; readonly id: number; readonly at: number };

/** The line of one event, without a line end. */
export function formatEvent(event: HistoryEvent<unknown, unknown>): string {
  return JSON.stringify(event);
}

export function formatHistory(events: readonly HistoryEvent<unknown, unknown>[]): string {
  return events.map((event) => `${formatEvent(event)}\n`).join('');
}

/**
 * Reads what `formatHistory` or a recorder wrote. A last line without its end is left out, since a recorder that was
 * killed leaves one. Any other bad line throws a `SyntaxError` with its number. That inputs and outputs are of the types
 * asked for is up to the caller.
 */
export function parseHistory<Input, Output>(text: string): readonly HistoryEvent<Input, Output>[] {
  const lines = text.split('\n');
  lines.pop();
  const events: HistoryEvent<Input, Output>[] = [];
  for (const [index, line] of lines.entries()) {
    if (line === '') continue;
    const event = parseLine(line);
    if (event === null) throw new SyntaxError(`line ${index + 1} of the history is not an event: ${line.slice(0, 80)}`);
    // Input and output are the caller's to vouch for.
    events.push(event as HistoryEvent<Input, Output>);
  }
  return events;
}

/**
 * Joins calls and their ends. A call without an end has an unknown outcome. Throws a `SyntaxError` for an end without a
 * call, a second end, or a second call under one id.
 */
export function operationsOf<Input, Output>(
  events: readonly HistoryEvent<Input, Output>[],
): readonly Operation<Input, Output>[] {
  const operations: Operation<Input, Output>[] = [];
  const positions = new Map<number, number>();
  const ended = new Set<number>();
  for (const event of events) {
    const position = positions.get(event.id);
    if (event.type === 'invoke') {
      if (position !== undefined) throw new SyntaxError(`operation ${event.id} is called twice`);
      positions.set(event.id, operations.length);
      operations.push({ type: 'unknown', process: event.process, input: event.input, callAt: event.at });
      continue;
    }
    const called = position === undefined ? undefined : operations[position];
    if (position === undefined || called === undefined) throw new SyntaxError(`operation ${event.id} was never called`);
    if (ended.has(event.id)) throw new SyntaxError(`operation ${event.id} ends twice`);
    ended.add(event.id);
    const { process, input, callAt } = called;
    const call = { process, input, callAt };
    if (event.type === 'ok') {
      operations[position] = { ...call, type: 'ok', output: event.output, returnAt: event.at };
    } else if (event.type === 'failed') {
      operations[position] = { ...call, type: 'failed', returnAt: event.at };
    }
  }
  return operations;
}

const END_TYPES: readonly unknown[] = ['ok', 'failed', 'unknown'];

function parseLine(line: string): HistoryEvent<unknown, unknown> | null {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof event !== 'object' || event === null) return null;
  const { type, id, at, process } = event as Record<string, unknown>;
  const isCall = type === 'invoke' && (typeof process === 'number' || typeof process === 'string');
  const isEvent = Number.isSafeInteger(id) && typeof at === 'number' && (isCall || END_TYPES.includes(type));
  // The fields that make it an event were checked just now.
  return isEvent ? (event as HistoryEvent<unknown, unknown>) : null;
}
