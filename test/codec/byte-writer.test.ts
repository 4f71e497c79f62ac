import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ByteReader } from '../../src/codec/byte-reader.ts';
import { ByteWriter } from '../../src/codec/byte-writer.ts';
import { corruptionErrorIn } from '../../src/codec/make-error.ts';
import { CorruptionError } from '../../src/errors.ts';
import { fromHex, toHex } from './damage.ts';

const damaged = corruptionErrorIn('thing');

function written(write: (writer: ByteWriter) => void, capacity?: number): string {
  const writer = new ByteWriter(capacity);
  write(writer);
  return toHex(writer.finish());
}

function reader(hex: string): ByteReader {
  return new ByteReader(fromHex(hex), damaged);
}

describe('ByteWriter', () => {
  test('writes little-endian', () => {
    assert.equal(
      written((w) => w.u8(0xfe)),
      'fe',
    );
    assert.equal(
      written((w) => w.u16(0x0102)),
      '0201',
    );
    assert.equal(
      written((w) => w.u32(0xfffe_fdfc)),
      'fcfdfeff',
    );
    assert.equal(
      written((w) => w.counter(2 ** 53 - 1)),
      'ffffffffffff1f00',
    );
    assert.equal(
      written((w) => w.counter(2 ** 32)),
      '0000000001000000',
    );
    assert.equal(
      written((w) => w.duration(1.5)),
      '000000000000f83f',
    );
    assert.equal(
      written((w) => w.duration(-0)),
      '0000000000000000',
    );
    assert.equal(
      written((w) => w.string('é')),
      '02000000c3a9',
    );
    assert.equal(
      written((w) => w.bytes(Uint8Array.of(7))),
      '0100000007',
    );
    assert.equal(
      written((w) => w.optional<number>(null, (v) => w.u8(v))),
      '00',
    );
    assert.equal(
      written((w) => w.optional(5, (v) => w.u8(v))),
      '0105',
    );
  });

  test('grows as needed', () => {
    const writer = new ByteWriter(1);
    for (let i = 0; i < 1000; i++) {
      writer.u32(i);
    }
    writer.string('x'.repeat(5000));
    const read = new ByteReader(writer.finish(), damaged);
    for (let i = 0; i < 1000; i++) {
      assert.equal(read.u32(), i);
    }
    assert.equal(read.string(), 'x'.repeat(5000));
    assert.equal(writer.length, 4000 + 4 + 5000);
    read.end();
  });

  test('refuses values that do not fit, instead of writing others', () => {
    for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      for (const write of ['u8', 'u16', 'u32', 'counter', 'nodeId'] as const) {
        assert.throws(() => new ByteWriter()[write](value), RangeError, `${write} ${value}`);
      }
    }
    assert.throws(() => new ByteWriter().u8(256), RangeError);
    assert.throws(() => new ByteWriter().u16(65_536), RangeError);
    assert.throws(() => new ByteWriter().u32(2 ** 32), RangeError);
    assert.throws(() => new ByteWriter().nodeId(0), RangeError);
    assert.throws(() => new ByteWriter().duration(-1), RangeError);
    assert.throws(() => new ByteWriter().duration(Number.POSITIVE_INFINITY), RangeError);
    assert.throws(() => new ByteWriter().string('\udc00'), RangeError);
  });
});

describe('ByteReader', () => {
  test('refuses values that no writer makes', () => {
    const refused: [string, (r: ByteReader) => unknown][] = [
      ['0000000000002000', (r) => r.counter()],
      ['ffffffffffffffff', (r) => r.counter()],
      ['0000000000000000', (r) => r.nodeId()],
      ['000000000000f87f', (r) => r.duration()],
      ['000000000000f07f', (r) => r.duration()],
      ['0000000000000080', (r) => r.duration()],
      ['02', (r) => r.boolean()],
      ['01000000ff', (r) => r.string()],
      ['03000000eda080', (r) => r.string()],
      ['02000000c080', (r) => r.string()],
    ];
    for (const [hex, read] of refused) {
      assert.throws(() => read(reader(hex)), CorruptionError, hex);
    }
  });

  test('refuses to read beyond the end', () => {
    const reads: ((r: ByteReader) => unknown)[] = [
      (r) => r.u16(),
      (r) => r.u32(),
      (r) => r.counter(),
      (r) => r.duration(),
      (r) => r.bytes(),
      (r) => r.raw(2),
      (r) => r.count(1),
    ];
    for (const read of reads) {
      assert.throws(() => read(reader('01')), CorruptionError);
    }
    assert.throws(() => reader('ffffffff00').bytes(), CorruptionError);
    assert.throws(() => reader('ffffffff00').count(1), CorruptionError);
    assert.throws(() => reader('0200000000').count(1), CorruptionError);
    assert.throws(() => reader('').u8(), CorruptionError);
  });

  test('keeps a byte order mark, which is text like any other', () => {
    assert.equal(reader('03000000efbbbf').string(), '\ufeff');
  });

  test('tells what is left', () => {
    const read = reader('0102');
    assert.equal(read.u8(), 1);
    assert.equal(read.remaining, 1);
    assert.throws(() => read.end(), /damaged thing: 1 bytes too many/);
  });
});
