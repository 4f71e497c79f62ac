import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { StateKey } from '../../../../src/storage/lmdb/state/state-key.ts';
import {
  keyOf,
  ROW_KEY_BYTES_MAX,
  rowKey,
  rowRange,
  tablePrefix,
} from '../../../../src/storage/lmdb/state/state-key.ts';

const part = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  fc.integer(),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({ unit: fc.constantFrom('\x00', 'a', 'b', '\x7f', '\u0080', 'ÿ', '\uffff', '😀'), maxLength: 4 }),
);
const key: fc.Arbitrary<StateKey> = fc.oneof(part, fc.array(part, { maxLength: 4 }));
const prefix = tablePrefix('a table');

describe('keys of rows', () => {
  test('a key comes back as it was', () => {
    fc.assert(fc.property(key, (value) => assert.deepEqual(keyOf(prefix, rowKey(prefix, value)), value)));
  });

  test('bytes are in the order of keys: numbers, texts by code point, lists by their parts', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        const [first, second] = [rowKey(prefix, a), rowKey(prefix, b)];
        assert.equal(sign(first, second), compareKeys(a, b));
        assert.equal(Buffer.compare(Buffer.from(first, 'latin1'), Buffer.from(second, 'latin1')), compareKeys(a, b));
      }),
    );
  });

  test('a prefix covers the texts that begin with it, or the lists that begin with its parts', () => {
    fc.assert(
      fc.property(key, fc.oneof(fc.string({ maxLength: 2 }), fc.array(part, { maxLength: 2 })), (value, start) => {
        const { from, to } = rowRange(prefix, { prefix: start });
        const bytes = rowKey(prefix, value);
        assert.equal(from <= bytes && bytes < to, beginsWith(value, start));
      }),
    );
  });

  test('tables do not overlap, whatever their names are', () => {
    const name = fc.string({ unit: fc.constantFrom('\x00', 'a', '\xff', '\u0100'), minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(name, name, key, (mine, other, value) => {
        const { from, to } = rowRange(tablePrefix(mine), {});
        const bytes = rowKey(tablePrefix(other), value);
        assert.equal(from <= bytes && bytes < to, mine === other);
      }),
    );
  });

  test('the two zeros are one key', () => {
    assert.equal(rowKey(prefix, -0), rowKey(prefix, 0));
  });

  test('what is no key is refused', () => {
    // Casts, because the types refuse them too.
    for (const value of [null, undefined, true, {}, new Map(), [[1]], [null], 1n, Symbol('a')]) {
      assert.throws(() => rowKey(prefix, value as unknown as StateKey), TypeError);
    }
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, '\ud800', ['\udfff']]) {
      assert.throws(() => rowKey(prefix, value), RangeError);
    }
    assert.throws(() => tablePrefix(''), TypeError);
    assert.throws(() => rowRange(prefix, { prefix: 'a', from: 'a' }), TypeError);
  });

  test('a key that is too long is refused', () => {
    const longest = 'x'.repeat(ROW_KEY_BYTES_MAX - rowKey(prefix, '').length);
    assert.equal(rowKey(prefix, longest).length, ROW_KEY_BYTES_MAX);
    assert.throws(() => rowKey(prefix, `${longest}x`), RangeError);
    assert.throws(() => rowRange(prefix, { prefix: `${longest}xxx` }), RangeError);
  });
});

function compareKeys(a: StateKey, b: StateKey): number {
  const byKind = kindOf(a) - kindOf(b);
  if (byKind !== 0) return Math.sign(byKind);
  if (typeof a === 'number' && typeof b === 'number') return Math.sign(a - b) || (a === b ? 0 : a < b ? -1 : 1);
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  const [left, right] = [a as readonly (string | number)[], b as readonly (string | number)[]];
  for (const [i, item] of left.entries()) {
    const other = right[i];
    if (other === undefined) return 1;
    const order = compareKeys(item, other);
    if (order !== 0) return order;
  }
  return left.length < right.length ? -1 : 0;
}

function kindOf(value: StateKey): number {
  return typeof value === 'number' ? 0 : typeof value === 'string' ? 1 : 2;
}

function compareTexts(a: string, b: string): number {
  const [left, right] = [[...a], [...b]].map((text) => text.map((char) => char.codePointAt(0) ?? 0)) as [
    number[],
    number[],
  ];
  for (const [i, code] of left.entries()) {
    const other = right[i];
    if (other === undefined) return 1;
    if (code !== other) return code < other ? -1 : 1;
  }
  return left.length < right.length ? -1 : 0;
}

function beginsWith(value: StateKey, start: string | readonly (string | number)[]): boolean {
  if (typeof start === 'string') return typeof value === 'string' && value.startsWith(start);
  return typeof value === 'object' && start.every((item, i) => value[i] === item);
}

function sign(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
