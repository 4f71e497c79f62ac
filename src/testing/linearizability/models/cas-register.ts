/** One value that is read, written, and replaced only if it is the expected one. */
import type { Model, Precision } from '../model.ts';
import { accepted, REFUSED } from '../model.ts';
import type { Operation } from '../operation.ts';
import type { RegisterInput } from './register.ts';
import { describeRegister } from './register.ts';
import type { Scalar } from './scalar.ts';
import { describeScalar, heldValue, mergeUnseen } from './scalar.ts';

export type CasRegisterInput = RegisterInput | { readonly type: 'cas'; readonly from: Scalar; readonly to: Scalar };

/** The value, for a read; whether it was replaced, for a cas. What a write answers is not looked at. */
export type CasRegisterOutput = Scalar;

export function casRegisterModel(initialValue: Scalar = null): Model<CasRegisterInput, CasRegisterOutput, Scalar> {
  return {
    name: 'compare-and-set register',
    initial: () => initialValue,
    step(state, input, output) {
      if (input.type === 'write') return accepted(input.value);
      if (input.type === 'read') return output === undefined || output === state ? accepted(state) : REFUSED;
      const isReplaced = state === input.from;
      if (output !== undefined && output !== isReplaced) return REFUSED;
      if (isReplaced) return accepted(input.to);
      return output === undefined ? REFUSED : accepted(state);
    },
    key: (state) => JSON.stringify(state),
    isReadOnly: (input, output) => input.type === 'read' || (input.type === 'cas' && output === false),
    isOverwrite: (input) => input.type === 'write',
    values: {
      writtenBy(input, output) {
        if (input.type === 'write') return heldValue(input.value);
        return input.type === 'cas' && output !== false ? heldValue(input.to) : null;
      },
      neededBy(input, output) {
        if (input.type === 'read') return [heldValue(output)];
        return input.type === 'cas' && output === true ? [heldValue(input.from)] : [];
      },
      isHeld: (state, { value }) => state === value,
    },
    simplify(operations, precision) {
      const merge = mergeUnseen(new Set(operations.flatMap((operation) => seenBy(operation, precision))));
      return (input) => {
        if (input.type === 'write') return { type: 'write', value: merge(input.value) };
        return input.type === 'cas' ? { ...input, to: merge(input.to) } : input;
      };
    },
    describe(input, output) {
      if (input.type !== 'cas') return describeRegister(input, output);
      return `cas ${describeScalar(input.from)} to ${describeScalar(input.to)} → ${describeCasOutput(output)}`;
    },
    describeState: (state) => describeScalar(state),
  };
}

/** Values that the operation tells from others; roughly, those that it must have found. */
function seenBy(operation: Operation<CasRegisterInput, CasRegisterOutput>, precision: Precision): readonly Scalar[] {
  const { type, input } = operation;
  if (input.type === 'cas') {
    const isRefused = type === 'ok' && operation.output === false;
    return isRefused && precision === 'rough' ? [] : [input.from];
  }
  return type === 'ok' && input.type === 'read' ? [operation.output] : [];
}

/** Whether a cas replaced the value, in a word. */
export function describeCasOutput(output: unknown): string {
  if (output === undefined) return '?';
  return output === true ? 'done' : 'not done';
}
