import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { logId } from '../../../src/core/ids.ts';
import { NO_MEMBERSHIP } from '../../../src/core/membership/membership.ts';
import type { SnapshotMeta } from '../../../src/core/message.ts';
import { MemSnapshotStore } from '../../../src/storage/memory/index.ts';
import { runSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { snapshotStoreSuite } from '../../../src/testing/conformance/snapshot-store-suite.ts';

describe('MemSnapshotStore', () => {
  runSuite(
    snapshotStoreSuite({
      persistent: true,
      create: () => {
        const store = new MemSnapshotStore();
        return { make: () => store };
      },
    }),
    test,
  );

  test('can not be opened twice at once', async () => {
    const store = await openStore();
    await assert.rejects(() => store.open(), { code: 'STORAGE' });
  });

  test('keeps a copy of a chunk, not the buffer that it is a view of', async () => {
    const store = await openStore();
    const buffer = new Uint8Array(1000).fill(1);
    const writer = await store.create(meta('a'), 'test/1');
    await writer.write(buffer.subarray(10, 20));
    buffer.fill(2);
    for await (const chunk of writer.chunks()) {
      assert.deepEqual([chunk.buffer.byteLength, ...chunk], [10, ...new Uint8Array(10).fill(1)]);
    }
  });

  test('BUG-21 bytes of two snapshots at the same LogId are never mixed', async () => {
    const store = await openStore();
    const first = await store.create(meta('a'), 'test/1');
    await first.write(new Uint8Array([1, 2, 3]));
    await first.close({ keep: true });
    const second = await store.create(meta('b'), 'test/1');
    assert.equal(second.offsetBytes, 0);
    await second.write(new Uint8Array([4]));
    const { sizeBytes, checksum, codecId } = await second.publish();
    assert.deepEqual([sizeBytes, checksum, codecId], [1, crc32(new Uint8Array([4])), 'test/1']);
  });

  test('does not resume bytes of another format', async () => {
    const store = await openStore();
    const first = await store.create(meta('a'), 'test/1');
    await first.write(new Uint8Array([1, 2, 3]));
    await first.close({ keep: true });
    assert.equal((await store.create(meta('a'), 'test/2')).offsetBytes, 0);
  });

  test('a closed reader reads no further', async () => {
    const store = await openStore();
    const writer = await store.create(meta('a'), 'test/1');
    await writer.write(new Uint8Array([1]));
    await writer.publish();
    const reader = await store.latest();
    await reader?.close();
    await assert.rejects(async () => await reader?.chunks(0)[Symbol.asyncIterator]().next(), { code: 'SNAPSHOT' });
  });
});

async function openStore(): Promise<MemSnapshotStore> {
  const store = new MemSnapshotStore();
  await store.open();
  return store;
}

function meta(id: string): SnapshotMeta {
  return { id, lastLogId: logId(1, 1), lastTimeMs: 0, membership: NO_MEMBERSHIP };
}
