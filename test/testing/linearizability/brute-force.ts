/** Decides linearizability the obvious way: tries every order of every selection. For up to about seven operations. */
import type { Model } from '../../../src/testing/linearizability/model.ts';
import type { Operation } from '../../../src/testing/linearizability/operation.ts';

export function isLinearizable<Input, Output, State>(
  operations: readonly Operation<Input, Output>[],
  model: Model<Input, Output, State>,
): boolean {
  return hasOrder(operations, model.initial(), (state, { input }, output) => {
    const step = model.step(state, input, output);
    return step.ok ? [step.state] : [];
  });
}

/** All states that may follow; `output` is `undefined` when nobody knows it. */
export type Follow<Input, Output, State> = (
  state: State,
  operation: Operation<Input, Output>,
  output: Output | undefined,
) => readonly State[];

/** The same for objects that do not always do the same. */
export function hasOrder<Input, Output, State>(
  operations: readonly Operation<Input, Output>[],
  initial: State,
  follow: Follow<Input, Output, State>,
): boolean {
  const canFinish = (left: readonly Operation<Input, Output>[], state: State): boolean => {
    if (left.every(({ type }) => type === 'unknown')) return true;
    return left.some((operation) => {
      const others = left.filter((other) => other !== operation);
      if (others.some((other) => isBefore(other, operation))) return false;
      const output = operation.type === 'ok' ? operation.output : undefined;
      return follow(state, operation, output).some((next) => canFinish(others, next));
    });
  };
  return canFinish(
    operations.filter(({ type }) => type !== 'failed'),
    initial,
  );
}

function isBefore(first: Operation<unknown, unknown>, second: Operation<unknown, unknown>): boolean {
  return first.type === 'ok' && first.returnAt < second.callAt;
}

/** Whether an order explains a history: nothing missing, nothing twice, real time respected, every answer right. */
export function isExplainedBy<Input, Output, State>(
  operations: ReadonlySet<Operation<Input, Output>>,
  order: readonly Operation<Input, Output>[],
  model: Model<Input, Output, State>,
): boolean {
  const placed = new Set(order);
  const isComplete = [...operations].every((operation) => operation.type !== 'ok' || placed.has(operation));
  const isOwn = placed.size === order.length && order.every((operation) => operations.has(operation));
  let state = model.initial();
  let latestCall = Number.NEGATIVE_INFINITY;
  for (const operation of order) {
    if (operation.type === 'failed' || (operation.type === 'ok' && operation.returnAt < latestCall)) return false;
    latestCall = Math.max(latestCall, operation.callAt);
    const step = model.step(state, operation.input, operation.type === 'ok' ? operation.output : undefined);
    if (!step.ok) return false;
    state = step.state;
  }
  return isComplete && isOwn;
}
