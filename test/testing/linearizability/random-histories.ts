/** Small random histories that are close to what a correct object would have done. */
import fc from 'fast-check';
import type { Operation } from '../../../src/testing/linearizability/operation.ts';

/** An object written the plain way, to compare the models with: changes itself, and answers. */
export type Answer<Input, Output> = (input: Input, timeMs: number) => Output;

export interface HistoryShape<Input, Output> {
  readonly input: fc.Arbitrary<Input>;
  /** Outputs to put in place of right ones. */
  readonly output: fc.Arbitrary<Output>;
  readonly createObject: () => Answer<Input, Output>;
  readonly maxOperations?: number;
}

interface Plan<Input, Output> {
  readonly input: Input;
  readonly callAt: number;
  readonly pointAfter: number;
  readonly returnAfter: number;
  readonly fate: 'ok' | 'failed' | 'unknown' | 'lost';
  readonly wrongOutput: Output | null;
}

/**
 * Operations take effect one by one, and some answers are then replaced. Of those of unknown outcome some took effect,
 * perhaps late, and some did not.
 */
export function histories<Input, Output>(
  shape: HistoryShape<Input, Output>,
): fc.Arbitrary<readonly Operation<Input, Output>[]> {
  const plan: fc.Arbitrary<Plan<Input, Output>> = fc.record({
    input: shape.input,
    callAt: fc.nat(8),
    pointAfter: fc.nat(4),
    returnAfter: fc.nat(4),
    fate: fc.oneof(
      { weight: 7, arbitrary: fc.constant<'ok'>('ok') },
      { weight: 1, arbitrary: fc.constant<'failed'>('failed') },
      { weight: 2, arbitrary: fc.constant<'unknown'>('unknown') },
      { weight: 1, arbitrary: fc.constant<'lost'>('lost') },
    ),
    wrongOutput: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: shape.output }),
  });
  return fc
    .array(plan, { minLength: 1, maxLength: shape.maxOperations ?? 7 })
    .map((plans) => execute(plans, shape.createObject()));
}

function execute<Input, Output>(
  plans: readonly Plan<Input, Output>[],
  answer: Answer<Input, Output>,
): readonly Operation<Input, Output>[] {
  const inOrder = plans.toSorted((a, b) => a.callAt + a.pointAfter - (b.callAt + b.pointAfter));
  return inOrder.map((plan, index): Operation<Input, Output> => {
    const { input, callAt, pointAfter, returnAfter, fate } = plan;
    const call = { process: index, input, callAt };
    const returnAt = callAt + pointAfter + returnAfter;
    if (fate === 'lost') return { ...call, type: 'unknown' };
    if (fate === 'failed') return { ...call, type: 'failed', returnAt };
    const output = answer(input, callAt + pointAfter);
    if (fate === 'unknown') return { ...call, type: 'unknown' };
    return { ...call, type: 'ok', output: plan.wrongOutput ?? output, returnAt };
  });
}
