/** Decides linearizability the obvious way: tries every order of every selection. For up to about seven operations. */
import type { Model } from '../../../src/testing/linearizability/model.ts';
import type { Operation } from '../../../src/testing/linearizability/operation.ts';

export function isLinearizable<Input, Output, State>(
  operations: readonly Operation<Input, Output>[],
  model: Model<Input, Output, State>,
): boolean {
  const possible = operations.filter(({ type }) => type !== 'failed');
  return canFinish(possible, model.initial(), model);
}

/** Whether what is left can be put in order, where operations of unknown outcome may be left out. */
function canFinish<Input, Output, State>(
  left: readonly Operation<Input, Output>[],
  state: State,
  model: Model<Input, Output, State>,
): boolean {
  if (left.every(({ type }) => type === 'unknown')) return true;
  return left.some((operation) => {
    const others = left.filter((other) => other !== operation);
    if (others.some((other) => isBefore(other, operation))) return false;
    const output = operation.type === 'ok' ? operation.output : undefined;
    const step = model.step(state, operation.input, output);
    return step.ok && canFinish(others, step.state, model);
  });
}

function isBefore(first: Operation<unknown, unknown>, second: Operation<unknown, unknown>): boolean {
  return first.type === 'ok' && first.returnAt < second.callAt;
}

/** Whether an order explains a history: nothing missing, nothing twice, real time respected, every answer right. */
export function isExplainedBy<Input, Output, State>(
  operations: readonly Operation<Input, Output>[],
  order: readonly Operation<Input, Output>[],
  model: Model<Input, Output, State>,
): boolean {
  const placed = new Set(order);
  const isComplete = operations.every((operation) => operation.type !== 'ok' || placed.has(operation));
  const isOwn = placed.size === order.length && order.every((operation) => operations.includes(operation));
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
