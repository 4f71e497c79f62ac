import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entryBytes } from '../../src/core/entry.ts';
import { LogCache } from '../../src/runtime/log-cache.ts';
import { entries } from '../support/fake-node.ts';

const [SAMPLE] = entries(1, 10, 11);
const ENTRY_BYTES = SAMPLE === undefined ? 0 : entryBytes(SAMPLE);

function indexes(slice: readonly { readonly logId: { readonly index: number } }[] | null): number[] | null {
  return slice === null ? null : slice.map(({ logId }) => logId.index);
}

function cacheOf(fromIndex: number, toIndex: number, maxBytes: number = 1_000_000): LogCache {
  const cache = new LogCache(fromIndex - 1, maxBytes);
  cache.append(entries(1, fromIndex, toIndex));
  return cache;
}

test('a slice holds exactly the range, and only a range that is cached as a whole', () => {
  const cache = cacheOf(11, 21);
  assert.deepEqual(indexes(cache.slice(11, 21)), [11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
  assert.deepEqual(indexes(cache.slice(13, 15)), [13, 14]);
  assert.equal(cache.slice(10, 15), null);
  assert.equal(cache.slice(20, 22), null);
  assert.deepEqual([cache.firstIndex, cache.lastIndex], [11, 20]);
});

test('who asks for the same range gets the same array, first of all the one that was appended', () => {
  const cache = new LogCache(0, 1_000_000);
  const appended = entries(1, 1, 4);
  cache.append(appended);
  assert.equal(cache.slice(1, 4), appended);
  assert.equal(cache.slice(1, 4), appended);
  const part = cache.slice(2, 4);
  assert.equal(cache.slice(2, 4), part);
});

test('eviction follows the bytes, oldest first, and spares what lies after the given index', () => {
  const cache = cacheOf(10, 20, 4 * ENTRY_BYTES);
  assert.equal(cache.bytes, 10 * ENTRY_BYTES);
  cache.evictTo(12);
  assert.equal(cache.firstIndex, 13);
  cache.evictTo(19);
  assert.deepEqual([cache.firstIndex, cache.bytes], [16, 4 * ENTRY_BYTES]);
  assert.equal(cache.slice(15, 17), null);
  assert.deepEqual(indexes(cache.slice(16, 20)), [16, 17, 18, 19]);
});

test('what the log was purged of goes, however small the cache is', () => {
  const cache = new LogCache(9, 1_000_000);
  cache.append(entries(1, 10, 20));
  cache.purgeTo(14);
  assert.equal(cache.firstIndex, 15);
  assert.equal(cache.slice(14, 16), null);
  assert.equal(cache.slice(15, 20)?.length, 5);
  cache.purgeTo(30);
  assert.deepEqual([cache.bytes, cache.lastIndex], [0, 19]);
});

test('nothing is evicted while the cache is within its limit', () => {
  const cache = cacheOf(10, 20, 10 * ENTRY_BYTES);
  cache.evictTo(19);
  assert.equal(cache.firstIndex, 10);
});

test('evicted slots are given back and the cache goes on', () => {
  const cache = new LogCache(0, 4 * ENTRY_BYTES);
  for (let index = 1; index <= 20_000; index += 1) {
    cache.append(entries(1, index, index + 1));
    cache.evictTo(index);
  }
  assert.equal(cache.lastIndex, 20_000);
  assert.ok(cache.bytes <= 4 * ENTRY_BYTES);
  assert.deepEqual(indexes(cache.slice(20_000, 20_001)), [20_000]);
});

test('truncation removes a suffix and its bytes; another suffix takes its place', () => {
  const cache = cacheOf(11, 21);
  const before = cache.slice(14, 17);
  cache.truncate(15);
  assert.deepEqual([cache.lastIndex, cache.bytes], [14, 4 * ENTRY_BYTES]);
  cache.append(entries(2, 15, 17));
  const after = cache.slice(14, 17);
  assert.deepEqual(
    after?.map(({ logId }) => logId.term),
    [1, 2, 2],
  );
  assert.notEqual(after, before);
});

test('truncation before everything cached empties the cache; the next entry follows it', () => {
  const cache = cacheOf(11, 21, 1);
  cache.evictTo(15);
  cache.truncate(12);
  assert.deepEqual([cache.firstIndex, cache.lastIndex, cache.bytes], [12, 11, 0]);
  cache.append(entries(2, 12, 13));
  assert.deepEqual(indexes(cache.slice(12, 13)), [12]);
});

test('a reset forgets everything and goes on after the given index', () => {
  const cache = cacheOf(11, 21);
  cache.reset(99);
  assert.deepEqual([cache.firstIndex, cache.lastIndex, cache.bytes], [100, 99, 0]);
  assert.equal(cache.slice(11, 12), null);
  cache.append(entries(3, 100, 102));
  assert.deepEqual(indexes(cache.slice(100, 102)), [100, 101]);
});
