import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Member } from '../../chaos/cluster/member.ts';
import { cutOf } from '../../chaos/nemesis/network-faults.ts';
import type { Line } from '../../chaos/network/line.ts';
import { CLEAR, LineTable, linesAmong, linesBetween } from '../../chaos/network/line.ts';

const FIVE = [3, 1, 0, 4, 2].map((place) => new Member(place));

/** Which places the first one reaches and is reached by, over lines that are not cut. */
function open(lines: readonly Line[], from: number): { readonly sends: number[]; readonly hears: number[] } {
  const isCut = (line: Line): boolean => lines.some(({ from: a, to: b }) => a === line.from && b === line.to);
  const others = [0, 1, 2, 3, 4].filter((place) => place !== from);
  return {
    sends: others.filter((to) => !isCut({ from, to })),
    hears: others.filter((to) => !isCut({ from: to, to: from })),
  };
}

describe('the lines between nodes', () => {
  test('impairments add up, and each is taken back by itself', () => {
    const table = new LineTable();
    const line = { from: 0, to: 1 };
    const takeBackDelay = table.add([line], { delayMs: 50 });
    const takeBackCut = table.add(linesAmong([0, 1, 2]), { isCut: true, delayMs: 20 });
    assert.deepEqual(table.of(line), { ...CLEAR, isCut: true, delayMs: 50 });
    assert.deepEqual(table.of({ from: 1, to: 0 }), { ...CLEAR, isCut: true, delayMs: 20 });
    takeBackCut();
    assert.deepEqual(table.of(line), { ...CLEAR, delayMs: 50 });
    takeBackDelay();
    assert.deepEqual(table.of(line), CLEAR);
  });

  test('lines go in both directions, and never from a node to itself', () => {
    assert.deepEqual(linesAmong([0, 1]), [
      { from: 0, to: 1 },
      { from: 1, to: 0 },
    ]);
    assert.deepEqual(linesBetween([2], [1, 2]), [
      { from: 2, to: 1 },
      { from: 1, to: 2 },
    ]);
  });

  test('a leader that is cut off reaches nobody; a deaf one is heard, a mute one hears', () => {
    assert.deepEqual(open(cutOf('leader', FIVE).lines, 3), { sends: [], hears: [] });
    assert.deepEqual(open(cutOf('deaf', FIVE).lines, 3), { sends: [0, 1, 2, 4], hears: [] });
    assert.deepEqual(open(cutOf('mute', FIVE).lines, 3), { sends: [], hears: [0, 1, 2, 4] });
  });

  test('a cut in halves leaves three nodes and two', () => {
    const { lines } = cutOf('halves', FIVE);
    assert.deepEqual(open(lines, 3), { sends: [0, 1], hears: [0, 1] });
    assert.deepEqual(open(lines, 4), { sends: [2], hears: [2] });
  });

  test('a bridge reaches all, and nobody else does', () => {
    const { lines } = cutOf('bridge', FIVE);
    assert.deepEqual(open(lines, 3).sends, [0, 1, 2, 4]);
    for (const place of [0, 1, 2, 4]) assert.equal(open(lines, place).sends.length, 2);
  });

  test('in a ring each node reaches two others', () => {
    const { lines } = cutOf('ring', FIVE);
    for (const place of [0, 1, 2, 3, 4]) {
      const { sends, hears } = open(lines, place);
      assert.equal(sends.length, 2);
      assert.deepEqual(sends, hears);
    }
  });
});
