import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Options, Taken } from './mem-state-support.ts';
import { busyTimers, filledMap, open, openMap, restore, take } from './mem-state-support.ts';

const KEYS = 50_000;
const PIECE_BYTES = 64 * 1024;

/** Bytes may lie between two turns that are in no frame yet, and frames that follow a full piece. */
const FEWEST_TURNS = 0.7;

describe('MemStateMachine leaves the event loop its turns', () => {
  test('BUG-20 while a snapshot is encoded', async () => {
    let turns = 0;
    const timers = busyTimers(() => (turns += 1));
    for (const mutableLevels of [1, 2]) {
      turns = 0;
      const { chunks } = await take(await filledMap(KEYS, { mutableLevels, timers }));
      assert.ok(turns >= FEWEST_TURNS * piecesIn(chunks), `${turns} turns for ${piecesIn(chunks)} pieces`);
    }
    turns = 0;
    const { chunks } = await take(await filledMap(KEYS, { timers }));
    assert.ok(turns >= FEWEST_TURNS * piecesIn(chunks), `${turns} turns for ${piecesIn(chunks)} pieces`);
  });

  test('while a snapshot is restored from a stream that never waits', async () => {
    const { snapshot, chunks } = await take(await filledMap(KEYS));
    let turns = 0;
    const copy = await openMap({ timers: busyTimers(() => (turns += 1)) });
    for (const given of [chunks, [Buffer.concat(chunks)]]) {
      turns = 0;
      await restore(copy, snapshot, given);
      assert.ok(turns >= FEWEST_TURNS * piecesIn(chunks), `${turns} turns for ${piecesIn(chunks)} pieces`);
      assert.equal(copy.state.size, KEYS);
    }
  });

  test('while a large value is looked at that may have one object in two places', async () => {
    const items = Array.from({ length: KEYS }, (_, number) => ({ number }));
    let turns = 0;
    const options: Options<unknown> = { initialState: () => ({ items, again: items[0] }), apply: () => null };
    const { chunks } = await take(await open({ ...options, timers: busyTimers(() => (turns += 1)) }));
    assert.ok(turns > 0, 'it was looked at in one piece');
    assert.ok(chunks.length > 1);
  });

  test('with the timers of the system unless it is given others', async () => {
    const machine = await filledMap(KEYS);
    const { taken, turns } = await countTurns(() => take(machine));
    assert.ok(turns >= FEWEST_TURNS * piecesIn(taken.chunks), `${turns} turns`);
    const copy = await openMap();
    const restored = await countTurns(() => restore(copy, taken.snapshot, taken.chunks));
    assert.ok(restored.turns >= FEWEST_TURNS * piecesIn(taken.chunks), `${restored.turns} turns`);
  });

  test('and takes none for a small state', async () => {
    const timers = busyTimers(() => assert.fail('a turn was waited for'));
    const machine = await filledMap(100, { timers });
    const { snapshot, chunks } = await take(machine);
    await restore(machine, snapshot, chunks);
    assert.equal(machine.state.size, 100);
  });
});

function piecesIn(chunks: Taken['chunks']): number {
  return Math.floor(Buffer.concat(chunks).byteLength / PIECE_BYTES);
}

/** How often the event loop came round while something ran. */
async function countTurns<Result>(
  run: () => Promise<Result>,
): Promise<{ readonly taken: Result; readonly turns: number }> {
  let [turns, isDone] = [0, false];
  const counting = (async () => {
    while (!isDone) {
      await setImmediate();
      turns += 1;
    }
  })();
  const taken = await run();
  isDone = true;
  await counting;
  return { taken, turns };
}
