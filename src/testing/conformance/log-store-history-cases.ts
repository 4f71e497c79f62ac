/** Log store cases about random histories: whatever is written, it must hold what a plain array would. */
import type { Checks } from './conformance-suite.ts';
import type { StepEnd } from './log-history.ts';
import { runLogHistory } from './log-history.ts';
import type { LogStoreWorld } from './log-store-world.ts';

/** How many histories a case runs, and how long they are: some seconds at most, on a disk with slow syncs. */
interface Extent {
  readonly histories: number;
  readonly steps: number;
}

export const historyChecks: Checks<LogStoreWorld> = {
  'any history of writes leaves what a plain array would hold': histories('go-on', { histories: 6, steps: 50 }),
};

/** For stores that keep their data. */
export const reopenedHistoryChecks: Checks<LogStoreWorld> = {
  'any history of writes leaves what a plain array would hold, also when reopened after every step': histories(
    'reopen',
    { histories: 4, steps: 30 },
  ),
};

/** For places that can crash their store. */
export const crashedHistoryChecks: Checks<LogStoreWorld> = {
  'any history of writes and crashes keeps what was acknowledged, and nothing out of order': histories('crash', {
    histories: 8,
    steps: 25,
  }),
};

/** For places that can crash their store at any operation on the disk. */
export const crashPointHistoryChecks: Checks<LogStoreWorld> = {
  'any history of writes and crashes at any operation on the disk keeps what was acknowledged, and nothing out of order':
    histories('crash-point', { histories: 12, steps: 25 }),
};

function histories(end: StepEnd, { histories: count, steps }: Extent): (world: LogStoreWorld) => Promise<void> {
  return async (world) => {
    for (let position = 0; position < count; position += 1) {
      const seed = world.seed + position;
      await world.inAnother((another) => runLogHistory(another, { seed, steps, end }));
    }
  };
}
