import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { describe, test } from 'node:test';
import { ConsensusError } from '../../../src/errors.ts';
import { HttpNetwork } from '../../../src/network/http/http-network.ts';
import type { HttpNetworkOptions } from '../../../src/network/http/network-options.ts';
import type { PeerConnection } from '../../../src/ports/network.ts';
import { RecordingHandler } from '../../../src/testing/conformance/network-handler.ts';
import {
  ChunkSource,
  heartbeat,
  neverAborted,
  RecordingEvents,
  snapshotBytes,
  snapshotHeader,
} from '../../../src/testing/conformance/network-world.ts';
import { serve } from './http-world.ts';
import { ManualTime } from './manual-time.ts';
import type { TcpProxy } from './proxies.ts';
import { startTcpProxy } from './proxies.ts';

const KIB = 1024;

interface Started {
  readonly time: ManualTime;
  readonly handler: RecordingHandler;
  readonly proxy: TcpProxy;
  readonly connection: PeerConnection;
  readonly events: RecordingEvents;
}

async function start(t: TestContext, options: HttpNetworkOptions = {}): Promise<Started> {
  const time = new ManualTime();
  const handler = new RecordingHandler(2);
  handler.onMessage = ({ message, reply }) => reply(message);
  const served = await serve(handler, { clock: time, timers: time });
  const proxy = await startTcpProxy(served.addr);
  const network = new HttpNetwork({
    clock: time,
    timers: time,
    snapshotChunkBytes: 64 * KIB,
    snapshotWindowBytes: 64 * KIB,
    ...options,
  });
  await network.open(new RecordingHandler(1));
  t.after(async () => {
    await network.close();
    await proxy.close();
    await served.close();
  });
  const events = new RecordingEvents();
  const connection = network.connect({ nodeId: 2, addr: proxy.addr, instanceId: null }, events);
  return { time, handler, proxy, connection, events };
}

/** Lets time pass until something is settled. */
async function settleWithTime<T>(time: ManualTime, work: Promise<T>, stepMs: number): Promise<T> {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  work.then(settle, settle);
  while (!isSettled) {
    await new Promise((resolve) => setImmediate(resolve));
    time.advance(stepMs);
  }
  return await work;
}

describe('snapshots over HTTP do not start over and over (users, item 7)', () => {
  for (const options of [
    { transport: 'stream', postSnapshots: 'full' },
    { transport: 'post', postSnapshots: 'chunked' },
    { transport: 'post', postSnapshots: 'full' },
  ] as const) {
    test(`one transfer survives broken links and goes on where it was (${Object.values(options).join(', ')})`, async (t) => {
      const { time, handler, proxy, connection } = await start(t, options);
      // Without a window everything that fits the buffers of the system has left already when the link breaks.
      const step = options.transport === 'post' ? 6 * KIB * KIB : 300 * KIB;
      const bytes = snapshotBytes(5 * step);
      const source = new ChunkSource(bytes, 64 * KIB);
      let cuts = 0;
      handler.onChunk = async ({ receivedBytes }) => {
        if (receivedBytes >= (cuts + 1) * step && cuts < 3) {
          cuts += 1;
          proxy.cut();
        }
      };
      const progress: number[] = [];
      const call = connection.sendSnapshot(snapshotHeader('s', bytes), (offset) => source.from(offset), {
        signal: neverAborted(),
        onProgress: (sentBytes) => progress.push(sentBytes),
      });
      const answer = await settleWithTime(time, call, 20);
      assert.equal(answer.type, 'snapshot-response');
      assert.equal(cuts, 3);
      assert.deepEqual(await handler.sinks.items.at(-1)?.finished.first(), bytes);
      assert.equal(progress.at(-1), bytes.byteLength);
      const [first, ...resumed] = source.startedAt;
      assert.equal(first, 0);
      // A single piece that was lost may be posted again without starting anew.
      assert.equal(resumed.length, options.transport === 'post' && options.postSnapshots === 'chunked' ? 0 : 3);
      assert.ok(
        resumed.every((offset, index) => offset >= (index + 1) * step),
        String(resumed),
      );
    });
  }

  test('a link that breaks again and again without progress is given up after some tries', async (t) => {
    const { time, handler, proxy, connection } = await start(t);
    handler.onChunk = async () => {
      proxy.cut();
      await new Promise<never>(() => undefined);
    };
    const bytes = snapshotBytes(100 * KIB);
    const source = new ChunkSource(bytes, 64 * KIB);
    const call = connection.sendSnapshot(snapshotHeader('s', bytes), (offset) => source.from(offset), {
      signal: neverAborted(),
      onProgress: () => undefined,
    });
    await assert.rejects(settleWithTime(time, call, 100), { code: 'UNREACHABLE' });
    assert.ok(source.startedAt.length >= 2 && source.startedAt.length <= 10, String(source.startedAt));
  });

  test('a receiver that makes no progress is given up after snapshotTimeoutMs, while heartbeats pass', async (t) => {
    const { time, handler, connection, events } = await start(t, { snapshotTimeoutMs: 5000 });
    handler.onChunk = async () => await new Promise<never>(() => undefined);
    const bytes = snapshotBytes(100 * KIB);
    const source = new ChunkSource(bytes, 64 * KIB);
    const call = connection.sendSnapshot(snapshotHeader('s', bytes), (offset) => source.from(offset), {
      signal: neverAborted(),
      onProgress: () => undefined,
    });
    const rejected = assert.rejects(call, (error) => {
      assert.ok(ConsensusError.is(error) && error.code === 'UNREACHABLE');
      return /no progress for 5000 ms/.test(error.message);
    });
    await handler.sinks.first();
    for (let round = 1; round <= 10; round += 1) {
      connection.send(heartbeat(round));
      await events.messages.reach(round);
      time.advance(1000);
    }
    await rejected;
    assert.equal(events.unreachable.items.length, 0, 'only the snapshot failed');
    await handler.sinks.items[0]?.aborted.first();
  });

  test('a slow transfer and a long installation are no lack of progress', async (t) => {
    const { time, handler, connection, events } = await start(t, { snapshotTimeoutMs: 5000 });
    const bytes = snapshotBytes(640 * KIB);
    const source = new ChunkSource(bytes, 64 * KIB);
    let round = 0;
    /** A second passes, and everything that was sent before reaches the other side. */
    const second = async (): Promise<void> => {
      time.advance(1000);
      round += 1;
      connection.send(heartbeat(round));
      await events.messages.reach(round);
    };
    handler.onChunk = second;
    const call = connection.sendSnapshot(snapshotHeader('s', bytes), (offset) => source.from(offset), {
      signal: neverAborted(),
      onProgress: () => undefined,
    });
    const sink = await handler.sinks.first();
    const finish = sink.finish.bind(sink);
    sink.finish = async () => {
      for (let count = 0; count < 20; count += 1) {
        await second();
      }
      return await finish();
    };
    assert.equal((await call).type, 'snapshot-response');
    assert.equal(round, 30);
    assert.equal(source.startedAt.length, 1);
  });
});
