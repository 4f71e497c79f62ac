/** A guess at what an answer comes from. */
import type { Model } from '../model.ts';
import type { Operation } from '../operation.ts';

/** Could one of `later` answer as it did right after this operation alone? Tells which write a read has read. */
export function leadsTo<Input, Output, State>(
  { input }: Operation<Input, Output>,
  later: readonly Operation<Input, Output>[],
  model: Model<Input, Output, State>,
): boolean {
  if (model.isReadOnly(input, undefined)) return false;
  const step = model.step(model.initial(), input, undefined);
  if (!step.ok) return false;
  return later.some((operation) => {
    return operation.type === 'ok' && model.step(step.state, operation.input, operation.output).ok;
  });
}
