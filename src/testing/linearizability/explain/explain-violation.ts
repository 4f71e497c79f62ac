/** Finds out which operations of a violation a person should look at, and how far an order of them comes. */
import type { Model, Partition } from '../model.ts';
import type { Operation } from '../operation.ts';
import type { Item } from '../search/item.ts';
import { itemsOf } from '../search/item.ts';
import { searchOrder } from '../search/search.ts';
import type { Blocked, Conflict, ConflictOptions } from './conflict.ts';
import { ConflictWindow } from './conflict.ts';
import { leadsTo } from './leads-to.ts';
import type { ShownOperation, ShownStep, ShownViolation } from './violation.ts';

/** More operations are not readable on one page. */
const CONFLICT_MAX = 16;
/** Of a larger conflict, so many of those that have a place: the last ones, near what is stuck. */
const LAST_SHOWN = 8;
/** Of a conflict that could not be reduced, those that fit nowhere. */
const STUCK_MAX = 8;
/** Operations next to the end of the order, and those that an answer may come from. */
const RECENT_MAX = 4;
const SOURCES_MAX = 2;

/** An order that comes as far as any, and what of the conflict is not in it. */
interface Attempt<Input, Output> {
  readonly order: readonly Item<Input, Output>[];
  readonly stuck: readonly Operation<Input, Output>[];
}

export function explainViolation<Input, Output, State>(
  partition: Partition<Input, Output>,
  model: Model<Input, Output, State>,
  options: ConflictOptions & { readonly blocked: Blocked },
): ShownViolation<Input, Output> {
  const window = new ConflictWindow(partition.operations, model, options);
  const conflict = window.reduce(options.blocked);
  const attempt = inContext(window, conflict) ?? onItsOwn(window, conflict, model, options);
  const operations = chooseShown(attempt, conflict, model);
  return {
    model: model.name,
    partition: partition.name,
    operations,
    ...showSteps(attempt.order, operations, model),
    total: partition.operations.length,
    conflict: conflict.core.size,
    isMinimal: conflict.isMinimal,
  };
}

/** The order of all that was answered until the conflict, but for its last operation; `null` if others need that one. */
function inContext<Input, Output, State>(
  window: ConflictWindow<Input, Output, State>,
  { core, last }: Conflict<Input, Output>,
): Attempt<Input, Output> | null {
  const [first] = last;
  if (first === undefined || first.type !== 'ok') return null;
  const result = window.searchWithout(last, first.returnAt);
  if (result.type !== 'found') return null;
  const placed = new Set(result.order.map(({ operation }) => operation));
  return { order: result.order, stuck: [...core].filter((operation) => !placed.has(operation)) };
}

/**
 * The order that comes farthest with only the conflict required. If it comes as far with what it took of the other
 * operations required too, as they were answered, that is easier to believe.
 */
function onItsOwn<Input, Output, State>(
  window: ConflictWindow<Input, Output, State>,
  { core }: Conflict<Input, Output>,
  model: Model<Input, Output, State>,
  { limits }: ConflictOptions,
): Attempt<Input, Output> {
  const loose = window.search(core);
  if (loose.type !== 'none') return { order: [], stuck: [...core] };
  const together = new Set([...core, ...loose.order.map(({ operation }) => operation)]);
  const strict = searchOrder(itemsOf([...together], model), model, limits);
  const isAsFar = strict.type === 'none' && strict.blocked.operation === loose.blocked.operation;
  const order = isAsFar ? strict.order : loose.order;
  const placed = new Set(order.map(({ operation }) => operation));
  return { order, stuck: [...core].filter((operation) => !placed.has(operation)) };
}

/** The conflict, and a few others of the order: the last ones, and those that a stuck answer may come from. */
function chooseShown<Input, Output, State>(
  { order, stuck }: Attempt<Input, Output>,
  { core }: Conflict<Input, Output>,
  model: Model<Input, Output, State>,
): readonly ShownOperation<Input, Output>[] {
  const allOfCore = order.filter(({ operation }) => core.has(operation));
  const ofCore = allOfCore.length <= CONFLICT_MAX ? allOfCore : allOfCore.slice(-LAST_SHOWN);
  const others = order.filter(({ operation }) => !core.has(operation));
  const recent = others.slice(-RECENT_MAX);
  const sources = others.filter((item) => !recent.includes(item) && leadsTo(item.operation, stuck, model));
  const room = allOfCore.length <= CONFLICT_MAX ? CONFLICT_MAX - ofCore.length : 0;
  const context = [...sources.slice(-SOURCES_MAX), ...recent].slice(0, room);
  const show = (operation: Operation<Input, Output>, role: ShownOperation<Input, Output>['role']) => {
    const output = operation.type === 'ok' ? operation.output : undefined;
    return { operation, role, label: model.describe(operation.input, output) };
  };
  const shown = [
    ...ofCore.map(({ operation }) => show(operation, 'placed')),
    ...context.map(({ operation, isRequired }) =>
      show(operation, isRequired || operation.type === 'unknown' ? 'context' : 'assumed'),
    ),
    ...firstToReturn(stuck).map((operation) => show(operation, 'stuck')),
  ];
  return shown.toSorted((a, b) => a.operation.callAt - b.operation.callAt);
}

function firstToReturn<Input, Output>(stuck: readonly Operation<Input, Output>[]): readonly Operation<Input, Output>[] {
  const returnOf = (operation: Operation<Input, Output>): number => (operation.type === 'ok' ? operation.returnAt : 0);
  return stuck.toSorted((a, b) => returnOf(a) - returnOf(b)).slice(0, STUCK_MAX);
}

/** Goes through the order and notes the states. */
function showSteps<Input, Output, State>(
  order: readonly Item<Input, Output>[],
  shown: readonly ShownOperation<Input, Output>[],
  model: Model<Input, Output, State>,
): Pick<ShownViolation<Input, Output>, 'steps' | 'initialState' | 'finalState'> {
  const positions = new Map(shown.map(({ operation }, position) => [operation, position]));
  const steps: ShownStep[] = [];
  let state = model.initial();
  let hiddenBefore = 0;
  for (const { operation, output } of order) {
    const step = model.step(state, operation.input, output);
    if (step.ok) state = step.state;
    const position = positions.get(operation);
    if (position === undefined) hiddenBefore += 1;
    else {
      steps.push({ operation: position, state: model.describeState(state), hiddenBefore });
      hiddenBefore = 0;
    }
  }
  return { steps, initialState: model.describeState(model.initial()), finalState: model.describeState(state) };
}
