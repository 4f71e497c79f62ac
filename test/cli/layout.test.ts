import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { countOf, headedTable, indented, table, wrapped } from '../../src/cli/layout.ts';
import { payloadText } from '../../src/cli/payload-text.ts';
import { ProgressLine } from '../../src/cli/progress-line.ts';
import {
  entriesText,
  nodesText,
  positionText,
  roleOf,
  sizeText,
  timeText,
  toJson,
  votersText,
} from '../../src/cli/values.ts';
import { msgpackCodec } from '../../src/index.ts';
import { fakeTerminal } from './fake-terminal.ts';

describe('layout', () => {
  test('puts text to the left, numbers to the right, and no blanks at the end', () => {
    assert.equal(
      table([
        ['a', 1, 'x'],
        ['bcd', 12_345, ''],
      ]),
      'a         1  x\nbcd  12,345',
    );
    assert.equal(headedTable(['id', 'name'], [[7, 'a']]), 'id  name\n 7  a');
    assert.equal(headedTable(['count'], [[1]]), 'count\n    1');
  });

  test('indents lines with text, and breaks lines between words', () => {
    assert.equal(indented('a\n\nb'), '  a\n\n  b');
    assert.equal(wrapped('aa bb cc dddddd', 5), 'aa bb\ncc\ndddddd');
  });

  test('counts', () => {
    assert.deepEqual([countOf(1, 'entry', 'entries'), countOf(2000, 'group')], ['1 entry', '2,000 groups']);
  });
});

describe('values', () => {
  test('have units that fit', () => {
    const sizes = [0, 1023, 1024, 10_240, 1024 ** 2 * 1.5, 1024 ** 3 * 20, 1024 ** 4 * 3000].map(sizeText);
    assert.deepEqual(sizes, ['0 B', '1023 B', '1.00 KiB', '10.0 KiB', '1.50 MiB', '20.0 GiB', '3000.0 TiB']);
    assert.equal(timeText(0), '1970-01-01 00:00:00.000Z');
    assert.equal(timeText(Number.MAX_SAFE_INTEGER), '9007199254740991 ms');
    assert.deepEqual([positionText({ term: 0, index: 0 }), positionText({ term: 2, index: 3 })], ['none', '2:3']);
    assert.deepEqual([entriesText(5, 6), entriesText(5, 1005)], ['entry 5', 'entries 5 to 1,004']);
    assert.deepEqual([[], [1], [1, 2], [1, 2, 3]].map(nodesText), [
      'no node',
      'node 1',
      'nodes 1 and 2',
      'nodes 1, 2 and 3',
    ]);
  });

  test('tell who votes in a change', () => {
    const membership = {
      configs: [
        [1, 2],
        [2, 3],
      ],
      nodes: new Map(),
      retainRemoved: false,
    };
    assert.equal(votersText(membership), '1, 2 -> 2, 3');
    assert.deepEqual(
      [1, 2, 3, 4].map((id) => roleOf(membership, id)),
      ['leaves', 'voter', 'voter soon', 'learner'],
    );
  });

  test('become plain data', () => {
    const value = { a: new Map([[1, { b: Uint8Array.of(1, 255) }]]), c: [null, 'd', 5, true] };
    assert.deepEqual(toJson(value), { a: [{ id: 1, b: '01ff' }], c: [null, 'd', 5, true] });
  });
});

describe('payloads', () => {
  test('are shown as what they are', () => {
    const { encodeRequest } = msgpackCodec<unknown, unknown>();
    assert.equal(payloadText(encodeRequest({ a: [1, 'b'] }), 100), "{ a: [ 1, 'b' ] }");
    assert.equal(payloadText(new TextEncoder().encode('{"a":1}'), 100), '"{\\"a\\":1}"');
    assert.equal(payloadText(Uint8Array.of(0x61, 0x1b, 0x5b), 100), '0x611b5b');
    assert.equal(payloadText(Uint8Array.of(0xff, 0xfe), 100), '0xfffe');
    assert.equal(payloadText(new TextEncoder().encode('a'.repeat(50)), 10), '"aaaaaa...');
  });
});

describe('progress', () => {
  const shownBy = (isErrorTty: boolean): string => {
    const terminal = fakeTerminal({ isErrorTty });
    const line = new ProgressLine(terminal);
    const total = 2_000_000;
    for (let done = 0; done <= total; done += 10_000) line.show({ step: 'log', done, total, unit: 'entries' });
    line.show({ step: 'log', done: 5, total: 10, unit: 'entries' });
    line.clear();
    return terminal.errors();
  };

  test('is one line on a terminal, written over and cleared', () => {
    const shown = shownBy(true);
    assert.equal(shown.split('\r').length, 1 + 101 + 1);
    assert.ok(shown.endsWith('log: 100 % of 2,000,000 entries\r\u001b[K'));
    assert.doesNotMatch(shown, /\n/);
  });

  test('is a line for every tenth part elsewhere', () => {
    const lines = shownBy(false).trimEnd().split('\n');
    assert.deepEqual(
      [lines.length, lines[0], lines[5]],
      [11, 'log: 0 % of 2,000,000 entries', 'log: 50 % of 2,000,000 entries'],
    );
  });
});
