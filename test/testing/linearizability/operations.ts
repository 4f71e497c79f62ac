/** Short ways to write histories down. */
import type { Operation, ProcessId } from '../../../src/testing/linearizability/operation.ts';

export interface Asking<Input> {
  readonly by: ProcessId;
  readonly input: Input;
}

export function ask<Input>(by: ProcessId, input: Input): Asking<Input> {
  return { by, input };
}

/** Answered: `done(ask('A', { type: 'read' }), 7, [0, 10])`. */
export function done<Input, Output>(
  { by, input }: Asking<Input>,
  output: Output,
  [callAt, returnAt]: readonly [number, number],
): Operation<Input, Output> {
  return { type: 'ok', process: by, input, output, callAt, returnAt };
}

export function failed<Input>(
  { by, input }: Asking<Input>,
  [callAt, returnAt]: readonly [number, number],
): Operation<Input, never> {
  return { type: 'failed', process: by, input, callAt, returnAt };
}

export function unknown<Input>({ by, input }: Asking<Input>, callAt: number): Operation<Input, never> {
  return { type: 'unknown', process: by, input, callAt };
}
