/** Ends work at one operation on the disk after the other, to find the one at which it must not end. */
import assert from 'node:assert/strict';
import { startedEarly } from './expect.ts';

/** More operations on the disk than any store needs for the work of a case. */
const POINTS_MAX = 2000;

/** Each point is tried with several seeds: what is lost of what was not synced differs. */
const SEEDS_PER_POINT = 4;

/**
 * Calls `attempt` with 0, 1, 2 and so on, until it resolves with `false`: its work came to its end before the disk got
 * as far as that.
 */
export async function forEachCrashPoint(attempt: (point: number, seed: number) => Promise<boolean>): Promise<void> {
  for (let point = 0; point < POINTS_MAX; point += 1) {
    let isFrozen = false;
    for (let round = 0; round < SEEDS_PER_POINT; round += 1) {
      isFrozen = (await attempt(point, SEEDS_PER_POINT * point + round)) || isFrozen;
    }
    if (!isFrozen) {
      return;
    }
  }
  assert.fail(`the work was not done after ${POINTS_MAX} operations on the disk`);
}

/** Whether the disk is frozen before the work is done. The work must not fail before. */
export async function isFrozenFirst(frozen: Promise<void>, work: Promise<unknown>): Promise<boolean> {
  return await Promise.race([frozen.then(() => true), startedEarly(work).then(() => false)]);
}

/**
 * Numbers of turns to let pass before a crash: every one at first, then fewer and fewer. On a simulated disk each is
 * another moment of the work; on a real one most are the same.
 */
export const CRASH_TURNS: readonly number[] = [...Array(24).keys(), 26, 30, 35, 42, 50, 65, 100, 200, 500, 2000];

/** Lets whatever is ready run, that many times. */
export async function letTurnsPass(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    await undefined;
  }
}
