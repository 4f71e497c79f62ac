/** Long work in pieces, with a turn of the event loop after each. */
import type { Timers } from '../../ports/clock.ts';

/** Work that yields wherever the event loop may have its turn. */
export type Pieces<Result> = Generator<void, Result, void>;

/** Resolves when the I/O that waits has been read. */
export function nextTurn(timers: Timers): Promise<void> {
  return new Promise((resolve) => timers.nextTurn(resolve));
}

/** Runs the first piece at once, and one in each turn after that. */
export async function runInTurns<Result>(work: Pieces<Result>, timers: Timers): Promise<Result> {
  for (;;) {
    const step = work.next();
    if (step.done === true) {
      return step.value;
    }
    await nextTurn(timers);
  }
}
