/** Ends work at one operation on the disk after the other, to find the one at which it must not end. */
import assert from 'node:assert/strict';
import { startedEarly } from './expect.ts';

/** More operations on the disk than any store needs for the work of a case. */
const POINTS_MAX = 2000;

/**
 * Calls `attempt` with 0, 1, 2 and so on, until it resolves with `false`: its work came to its end before the disk got
 * as far as that.
 */
export async function forEachCrashPoint(attempt: (point: number) => Promise<boolean>): Promise<void> {
  for (let point = 0; point < POINTS_MAX; point += 1) {
    if (!(await attempt(point))) {
      return;
    }
  }
  assert.fail(`the work was not done after ${POINTS_MAX} operations on the disk`);
}

/** Whether the disk is frozen before the work is done. The work must not fail before. */
export async function isFrozenFirst(frozen: Promise<void>, work: Promise<unknown>): Promise<boolean> {
  return await Promise.race([frozen.then(() => true), startedEarly(work).then(() => false)]);
}
