/** What every handler works with: the state, the options, the time of the step, and where effects go. */
import type { StepTime } from './input.ts';
import type { CoreOptions } from './options.ts';
import type { Outbox } from './outbox.ts';
import type { CoreState } from './state.ts';

export interface Core {
  readonly options: CoreOptions;
  readonly state: CoreState;
  readonly out: Outbox;
  /** Of the step under way. */
  time: StepTime;
}
