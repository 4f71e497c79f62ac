import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError } from '../../../src/errors.ts';
import { resolveNetworkOptions } from '../../../src/network/http/network-options.ts';

describe('timeouts and sizes of the HTTP network (BUG-16)', () => {
  const node = { rpcTimeoutMs: 111, snapshotTimeoutMs: 222, snapshotChunkBytes: 333 };

  test('are those of the node, as far as the options name none', () => {
    const { rpcTimeoutMs, snapshotTimeoutMs, snapshotChunkBytes } = resolveNetworkOptions({ rpcTimeoutMs: 5 }, node);
    assert.deepEqual({ rpcTimeoutMs, snapshotTimeoutMs, snapshotChunkBytes }, { ...node, rpcTimeoutMs: 5 });
  });

  test('have defaults when nobody names any', () => {
    const { rpcTimeoutMs, snapshotTimeoutMs, snapshotChunkBytes } = resolveNetworkOptions({});
    assert.deepEqual(
      { rpcTimeoutMs, snapshotTimeoutMs, snapshotChunkBytes },
      {
        rpcTimeoutMs: 5000,
        snapshotTimeoutMs: 60_000,
        snapshotChunkBytes: 256 * 1024,
      },
    );
  });

  test('are checked together with the options', () => {
    assert.throws(
      () => resolveNetworkOptions({ maxFrameBytes: 1024 }, { ...node, snapshotChunkBytes: 1024 }),
      ConfigError,
    );
  });
});
