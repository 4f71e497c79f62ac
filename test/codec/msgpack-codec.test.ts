import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { msgpackCodec } from '../../src/codec/msgpack-codec.ts';
import { DEPTH_MAX } from '../../src/codec/plain-data.ts';
import { SerializationError } from '../../src/errors.ts';
import { toHex } from './damage.ts';

const codec = msgpackCodec<unknown, unknown>();

function roundTrip(value: unknown): unknown {
  return codec.decodeRequest(codec.encodeRequest(value));
}

const leaves: fc.Arbitrary<unknown> = fc.oneof(
  fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed()),
  fc.string({ maxLength: 300, size: 'max' }),
  fc.double().map((n) => n + 0),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt(),
  fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
  fc.boolean(),
  fc.constantFrom(null, undefined),
  // An invalid one is equal to nothing on Node.js 22.
  fc.date({ noInvalidDate: true }),
  fc.uint8Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.uint16Array(),
  fc.uint8Array().map((bytes) => bytes.slice().buffer),
);

/** Field names that mean something to JavaScript or to the encoder, more often than by chance. */
const names = fc.oneof(
  fc.string().filter((name) => name !== '__proto__'),
  fc.constantFrom('constructor', 'hasOwnProperty', 'toString', 'toJSON', 'length', '0', '17', ''),
);

const values = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaves,
    fc.dictionary(names, tie('value'), { maxKeys: 6, noNullPrototype: true }),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 4 }).map((pairs) => new Map(pairs)),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => new Set(items)),
    // Many objects of one shape, which an encoder may treat in a way of its own.
    fc
      .tuple(tie('value'), fc.array(tie('value'), { maxLength: 8 }))
      .map(([first, rest]) => rest.map((item) => ({ id: item, name: first, tags: [] }))),
  ),
})).value;

describe('the msgpack codec', () => {
  test('gives back plain data as it was', () => {
    fc.assert(
      fc.property(values, (value) => {
        assert.deepStrictEqual(roundTrip(value), value);
      }),
      { numRuns: 2000 },
    );
  });

  test('gives back an invalid date', () => {
    const [date] = roundTrip([new Date(Number.NaN)]) as readonly unknown[];
    assert.ok(date instanceof Date && Number.isNaN(date.getTime()));
  });

  test('gives back values that are large, wide or of many shapes', () => {
    const numbered = <T>(count: number, make: (i: number) => T): T[] =>
      Array.from({ length: count }, (_, i) => make(i));
    const shapes = numbered(300, (i) => ({ [`only${i}`]: i, [`in${i % 7}`]: [] }));
    const wide = Object.fromEntries(numbered(70_000, (i) => [`k${i}`, i]));
    const values: unknown[] = [
      shapes,
      new Map(shapes.map((shape) => [shape, [shape, shape]])),
      wide,
      new Map([['wide', wide]]),
      new Map(numbered(70_000, (i) => [i, `v${i}`])),
      new Set(numbered(70_000, (i) => i)),
      numbered(70_000, (i) => -i - 1),
      'é漢😀'.repeat(30_000),
      new Uint8Array(200_000).fill(7),
    ];
    for (const value of [...values, values]) {
      assert.deepStrictEqual(roundTrip(value), value);
    }
  });

  test('BUG-4 tells fields that are absent from fields that are undefined or null', () => {
    for (const value of [{}, { os: undefined }, { os: null }, { arch: 'arm64', os: undefined }, { arch: 'arm64' }]) {
      assert.deepStrictEqual(roundTrip(value), value);
    }
  });

  test('BUG-4 reads values of an older and a newer shape alike', () => {
    interface NodeInfo {
      readonly id: number;
      readonly os?: string;
    }
    const infos = msgpackCodec<NodeInfo, void>();
    assert.equal(infos.decodeRequest(codec.encodeRequest({ id: 1 })).os, undefined);
    assert.equal(infos.decodeRequest(codec.encodeRequest({ id: 1, os: 'linux', cores: 8 })).os, 'linux');
  });

  test('BUG-4 says the version of its format, and refuses another', () => {
    assert.equal(codec.id, 'msgpack/1');
    for (const format of [0, 3, 255]) {
      const bytes = Uint8Array.from(codec.encodeRequest({ a: 1 }));
      bytes[0] = format;
      assert.throws(
        () => codec.decodeRequest(bytes),
        (error) => error instanceof SerializationError && error.message.includes(`unknown format ${format}`),
      );
    }
  });

  test('gives back responses too, none among them', () => {
    for (const response of [undefined, null, 0, 'ok', { at: new Date(5) }, new Map([['a', { b: 1 }]])]) {
      assert.deepStrictEqual(codec.decodeResponse(codec.encodeResponse(response)), response);
    }
  });

  test('needs nothing but the bytes: another codec, in any order, reads the same', () => {
    const bytes = [{ a: 1, b: new Map([[{ c: 1 }, { c: 2 }]]) }, { a: 2 }, [{ a: 3, b: new Map() }]].map((value) =>
      codec.encodeRequest(value),
    );
    const other = msgpackCodec<unknown, unknown>();
    assert.deepStrictEqual(other.decodeRequest(bytes[2] ?? bytes[0] ?? new Uint8Array(0)), [{ a: 3, b: new Map() }]);
    assert.deepStrictEqual(other.decodeRequest(bytes[0] ?? new Uint8Array(0)), {
      a: 1,
      b: new Map([[{ c: 1 }, { c: 2 }]]),
    });
    assert.deepStrictEqual(other.decodeRequest(bytes[1] ?? new Uint8Array(0)), { a: 2 });
  });

  test('gives a Uint8Array for a Buffer, whatever memory the bytes are in', () => {
    const bytes = codec.encodeRequest({ data: Buffer.from('abc'), more: Uint8Array.of(1) });
    const expected = { data: Uint8Array.of(97, 98, 99), more: Uint8Array.of(1) };
    assert.deepStrictEqual(codec.decodeRequest(bytes), expected);
    assert.deepStrictEqual(codec.decodeRequest(Buffer.from(bytes)), expected);
    assert.deepStrictEqual(Object.keys(bytes).length, bytes.byteLength, 'decoding leaves no mark on the bytes');
  });

  test('decodes to values that own their memory', () => {
    const bytes = Buffer.from(codec.encodeRequest([Uint8Array.of(1, 2), Buffer.of(3)]));
    const [array, buffer] = codec.decodeRequest(bytes) as [Uint8Array, Uint8Array];
    bytes.fill(0);
    assert.deepEqual([[...array], [...buffer]], [[1, 2], [3]]);
  });

  test('documents what it does not keep', () => {
    assert.ok(Object.is(roundTrip(-0), 0));
    assert.deepStrictEqual(roundTrip(Object.assign(Object.create(null), { a: 1 })), { a: 1 });
    assert.deepStrictEqual(roundTrip({ a: 1, [Symbol('b')]: 2 }), { a: 1 });
    // biome-ignore lint/suspicious/noSparseArray: the hole is what is tested
    assert.deepStrictEqual(roundTrip([1, , 2]), [1, undefined, 2]);
  });

  class Money {
    readonly cents = 5;
    toJSON(): number {
      return this.cents;
    }
  }
  class Numbers extends Array<number> {}
  class Registry extends Map<string, number> {}
  const circular: unknown[] = [];
  circular.push({ self: circular });
  const deep = (levels: number): unknown =>
    Array.from({ length: levels }).reduce<unknown>((inner) => [inner], 'bottom');

  const refused: [string, unknown, RegExp][] = [
    ['a function', { rows: [{ f: () => 1 }] }, /^request\.rows\[0\]\.f can't be encoded: a function/],
    ['a symbol', { a: Symbol('x') }, /^request\.a can't be encoded: a symbol/],
    ['an instance of a class', { price: new Money() }, /^request\.price .* an instance of Money/],
    ['a subclass of Array', [new Numbers()], /^request\[0\] .* an instance of Numbers/],
    ['a subclass of Map', new Map([['k', new Registry()]]), /^request\.values\(\)\[0\] .* an instance of Registry/],
    ['a promise', Promise.resolve(1), /^request can't be encoded: an instance of Promise/],
    ['an error', { e: new Error('x') }, /an instance of Error/],
    ['a regular expression', /x/, /an instance of RegExp/],
    ['a boxed string', Object('x'), /an instance of String/],
    ['a WeakMap', new WeakMap(), /an instance of WeakMap/],
    ['shared memory', new SharedArrayBuffer(1), /an instance of SharedArrayBuffer/],
    ['a class without a name', new (class {})(), /an instance of a class/],
    ['a fault in a key of a Map', new Map([[() => 1, 1]]), /^request\.keys\(\)\[0\] .* a function/],
    ['a fault in a Set', new Set([1, () => 1]), /^request\.values\(\)\[1\] .* a function/],
    ['a circular value', circular, /^request\[0\]\.self\[0\]\.self.*\.\.\. .* nested deeper .* or circular/],
    ['too deep nesting', deep(DEPTH_MAX + 2), /nested deeper than 256/],
    ['half of a surrogate pair', ['a\ud800'], /^request\[0\] .* surrogate/],
    ['half of a surrogate pair in a name', { '\udc00': 1 }, /a field named "\\udc00"/],
    ['a field that would change its name', JSON.parse('{"__proto__":1}'), /a field named "__proto__"/],
  ];
  for (const [what, value, message] of refused) {
    test(`refuses ${what} and names its place`, () => {
      assert.throws(
        () => codec.encodeRequest(value),
        (error) => error instanceof SerializationError && message.test(error.message),
      );
      assert.throws(() => codec.encodeResponse(value), SerializationError);
      assert.deepStrictEqual(roundTrip({ a: [1] }), { a: [1] }, 'the codec works on');
    });
  }

  test('accepts nesting up to its limit', () => {
    assert.deepStrictEqual(roundTrip(deep(DEPTH_MAX)), deep(DEPTH_MAX));
  });

  test('turns an exception of a getter into its own error, and works on', () => {
    let calls = 0;
    const value = {
      // The check comes first.
      get a(): number {
        calls += 1;
        if (calls > 1) {
          throw new TypeError('not now');
        }
        return 1;
      },
    };
    assert.throws(
      () => codec.encodeRequest(value),
      (error) => error instanceof SerializationError && error.cause instanceof TypeError,
    );
    assert.deepStrictEqual(roundTrip({ b: 2 }), { b: 2 });
  });

  test('throws nothing but SerializationError for bytes that are damaged or made up', () => {
    const attempt = (bytes: Uint8Array): void => {
      try {
        codec.decodeRequest(bytes);
      } catch (error) {
        assert.ok(error instanceof SerializationError, String(error));
      }
    };
    fc.assert(
      fc.property(values, fc.nat(), fc.nat(255), (value, at, byte) => {
        const bytes = Uint8Array.from(codec.encodeRequest(value));
        bytes[at % bytes.byteLength] = byte;
        attempt(bytes);
        attempt(bytes.subarray(0, at % bytes.byteLength));
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.constantFrom(1, 2), fc.uint8Array(), (format, rest) => attempt(Uint8Array.of(format, ...rest))),
      { numRuns: 1000 },
    );
    attempt(Uint8Array.of(1, ...new Uint8Array(100_000).fill(0x91)));
    assert.deepStrictEqual(roundTrip({ b: 2 }), { b: 2 }, 'the codec works on');
  });

  test('refuses bytes that are cut', () => {
    const bytes = codec.encodeRequest({ key: 'some key', list: [1, 2, 3], text: 'x'.repeat(100) });
    for (let length = 0; length < bytes.byteLength; length++) {
      assert.throws(() => codec.decodeRequest(bytes.subarray(0, length)), SerializationError, `${length}`);
    }
  });

  test('never writes again what it returned', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 3000, size: 'max' }), { minLength: 1, maxLength: 30 }), (texts) => {
        const encoded = texts.map((text) => codec.encodeRequest(text));
        const before = encoded.map(toHex);
        codec.encodeResponse('other');
        assert.deepEqual(encoded.map(toHex), before);
        assert.deepEqual(
          encoded.map((bytes) => codec.decodeRequest(bytes)),
          texts,
        );
      }),
    );
  });

  test('keeps little memory alive besides the value', () => {
    const small = codec.encodeRequest('x'.repeat(256));
    assert.ok(small.buffer.byteLength <= 4096);
    const large = codec.encodeRequest('x'.repeat(5000));
    assert.equal(large.buffer.byteLength, large.byteLength);
    assert.notEqual(codec.encodeRequest('a').buffer, codec.encodeResponse('a').buffer);
  });

  test('encodes a value that holds the result of encoding another', () => {
    const value = {
      get inner(): Uint8Array {
        return codec.encodeRequest(new Map([['a', { b: 1 }]]));
      },
      after: { c: 1 },
    };
    const { inner, after } = roundTrip(value) as { inner: Uint8Array; after: unknown };
    assert.deepStrictEqual(codec.decodeRequest(inner), new Map([['a', { b: 1 }]]));
    assert.deepStrictEqual(after, { c: 1 });
  });
});
