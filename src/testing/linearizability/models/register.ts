/** One value that is read and written. */
import type { Model } from '../model.ts';
import { accepted, REFUSED } from '../model.ts';
import type { Operation } from '../operation.ts';
import type { Scalar } from './scalar.ts';
import { describeScalar, heldValue, mergeUnseen } from './scalar.ts';

export type RegisterInput = { readonly type: 'read' } | { readonly type: 'write'; readonly value: Scalar };

/** The value, for a read. What a write answers is not looked at. */
export type RegisterOutput = Scalar;

export function registerModel(initialValue: Scalar = null): Model<RegisterInput, RegisterOutput, Scalar> {
  return {
    name: 'register',
    initial: () => initialValue,
    step(state, input, output) {
      if (input.type === 'write') return accepted(input.value);
      return output === undefined || output === state ? accepted(state) : REFUSED;
    },
    key: (state) => JSON.stringify(state),
    isReadOnly: (input) => input.type === 'read',
    isOverwrite: (input) => input.type === 'write',
    values: {
      writtenBy: (input) => (input.type === 'write' ? heldValue(input.value) : null),
      neededBy: (input, output) => (input.type === 'read' ? [heldValue(output)] : []),
      isHeld: (state, { value }) => state === value,
    },
    simplify(operations) {
      const merge = mergeUnseen(new Set(operations.flatMap((operation) => readBy(operation))));
      return (input) => (input.type === 'write' ? { type: 'write', value: merge(input.value) } : input);
    },
    describe: describeRegister,
    describeState: (state) => describeScalar(state),
  };
}

function readBy(operation: Operation<RegisterInput, RegisterOutput>): readonly Scalar[] {
  return operation.type === 'ok' && operation.input.type === 'read' ? [operation.output] : [];
}

/** `read → 1`, `write 1`; a question mark for an answer that nobody knows. */
export function describeRegister(input: RegisterInput, output: Scalar | undefined): string {
  if (input.type === 'read') return `read → ${output === undefined ? '?' : describeScalar(output)}`;
  return `write ${describeScalar(input.value)}${output === undefined ? ' → ?' : ''}`;
}
