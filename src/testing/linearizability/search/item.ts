/** Operations as the search sees them: those that must be placed, and those that may be. */
import type { Model, Precision } from '../model.ts';
import type { Operation } from '../operation.ts';

/** One operation to place in order. */
export interface Item<Input, Output> {
  readonly operation: Operation<Input, Output>;
  /** What the operation asked, or what the model takes for the same. */
  readonly input: Input;
  /** Must it be placed before its return? Otherwise it may be placed at any time after its call, or never. */
  readonly isRequired: boolean;
  /** What it must answer where it is placed; `undefined`: anything. */
  readonly output: Output | undefined;
  readonly callAt: number;
  /** Infinity unless it is required. */
  readonly returnAt: number;
}

export interface ItemOptions<Input, Output> {
  /** Whether an answered operation is to be open too. */
  readonly isOpen?: (operation: Operation<Input, Output>) => boolean;
  readonly precision?: Precision;
}

/**
 * What a history asks for: answered operations are required, unknown ones are open, failed ones are not there, nor are
 * those that mean nothing when open.
 */
export function itemsOf<Input, Output>(
  operations: readonly Operation<Input, Output>[],
  model: Pick<Model<Input, Output, unknown>, 'isReadOnly' | 'simplify'>,
  { isOpen = () => false, precision = 'exact' }: ItemOptions<Input, Output> = {},
): readonly Item<Input, Output>[] {
  const asked = operations.flatMap((operation): readonly Opened<Input, Output>[] => {
    const { type, process, input, callAt } = operation;
    if (type === 'ok' && !isOpen(operation)) return [{ operation, as: operation }];
    const output = type === 'ok' ? operation.output : undefined;
    if (type === 'failed' || model.isReadOnly(input, undefined) || model.isReadOnly(input, output)) return [];
    return [{ operation, as: { type: 'unknown', process, input, callAt } }];
  });
  const simplify =
    model.simplify?.(
      asked.map(({ as }) => as),
      precision,
    ) ?? ((input: Input): Input => input);
  return asked.map(({ operation, as }) => {
    const { callAt } = as;
    const input = simplify(as.input);
    if (as.type === 'ok') {
      return { operation, input, isRequired: true, output: as.output, callAt, returnAt: as.returnAt };
    }
    return { operation, input, isRequired: false, output: undefined, callAt, returnAt: Number.POSITIVE_INFINITY };
  });
}

/** An operation, and how much of it counts. */
interface Opened<Input, Output> {
  readonly operation: Operation<Input, Output>;
  readonly as: Operation<Input, Output>;
}
