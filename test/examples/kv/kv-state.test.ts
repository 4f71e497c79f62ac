import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KvState } from '../../../examples/kv/kv-state.ts';
import { applyRequest } from '../../../examples/kv/kv-state.ts';

test('a set counts the versions of its key', () => {
  const state: KvState = new Map();
  assert.deepEqual(applyRequest(state, { type: 'set', key: 'a', value: 1 }), {
    isDone: true,
    entry: { value: 1, version: 1 },
  });
  assert.deepEqual(applyRequest(state, { type: 'set', key: 'a', value: 2 }).entry, { value: 2, version: 2 });
});

test('a delete tells whether there was anything to delete', () => {
  const state: KvState = new Map([['a', { value: 1, version: 1 }]]);
  assert.equal(applyRequest(state, { type: 'delete', key: 'a' }).isDone, true);
  assert.equal(applyRequest(state, { type: 'delete', key: 'a' }).isDone, false);
  assert.equal(state.size, 0);
});

test('a compare-and-set writes only over the version it expects, and answers the current entry otherwise', () => {
  const state: KvState = new Map();
  const request = { type: 'compare-and-set', key: 'a', value: 'new' } as const;
  assert.deepEqual(applyRequest(state, { ...request, expectedVersion: 1 }), { isDone: false, entry: null });
  assert.equal(applyRequest(state, { ...request, expectedVersion: 0 }).isDone, true);
  assert.deepEqual(applyRequest(state, { ...request, value: 'other', expectedVersion: 0 }), {
    isDone: false,
    entry: { value: 'new', version: 1 },
  });
});
