/** Snapshot streams: completeness, back-pressure, resumption, failure. */
import assert from 'node:assert/strict';
import type { Message } from '../../core/message.ts';
import { ConsensusError, StorageError } from '../../errors.ts';
import { expectRejection } from './expect.ts';
import { RecordingHandler } from './network-handler.ts';
import type { NetworkWorld, Pair } from './network-world.ts';
import {
  ChunkSource,
  heartbeat,
  heartbeatAnswer,
  neverAborted,
  RecordingEvents,
  snapshotBytes,
  snapshotHeader,
  startNode,
  startPair,
} from './network-world.ts';

const KIB = 1024;

export async function streamsSnapshots(world: NetworkWorld): Promise<void> {
  const { two, connection } = await startPair(world);
  for (const [index, sizeBytes] of [0, 1, 100 * KIB + 1, 5 * KIB * KIB].entries()) {
    const bytes = snapshotBytes(sizeBytes);
    const source = new ChunkSource(bytes, 200 * KIB);
    const progress: number[] = [];
    const answer = await connection.sendSnapshot(snapshotHeader(`s${index}`, bytes), (offset) => source.from(offset), {
      signal: neverAborted(),
      onProgress: (sentBytes) => progress.push(sentBytes),
    });
    assert.deepEqual(answer, { type: 'snapshot-response', term: 3, session: 5, matchIndex: 9 });
    const sink = two.handler.sinks.items[index];
    assert.deepEqual(await sink?.finished.first(), bytes);
    assert.deepEqual(source.startedAt, [0]);
    assert.deepEqual(
      [...progress].sort((a, b) => a - b),
      progress,
      'progress never goes back',
    );
    assert.equal(progress.at(-1) ?? 0, sizeBytes);
  }
  assert.deepEqual(two.handler.offers.items[1], snapshotHeader('s1', snapshotBytes(1)));
}

export async function snapshotCanBeDeclined(world: NetworkWorld): Promise<void> {
  const { two, connection } = await startPair(world);
  const refusal: Message = { type: 'snapshot-response', term: 8, session: 5, matchIndex: 0 };
  two.handler.snapshotRefusal = refusal;
  const bytes = snapshotBytes(1000);
  const source = new ChunkSource(bytes, 100);
  const answer = await connection.sendSnapshot(snapshotHeader('s', bytes), (offset) => source.from(offset), calm());
  assert.deepEqual(answer, refusal);
  assert.deepEqual(source.startedAt, [], 'nothing is read for a peer that does not want it');
}

export async function snapshotWaitsForTheReceiver(world: NetworkWorld): Promise<void> {
  const { two, connection } = await startPair(world);
  const chunkBytes = 64 * KIB;
  const bytes = snapshotBytes(world.maxSnapshotWindowBytes + 40 * chunkBytes);
  const source = new ChunkSource(bytes, chunkBytes);
  let furthestAhead = 0;
  two.handler.onChunk = async (sink) => {
    // A round trip on the same connection gives the sender every chance to run ahead.
    await two.network.handshake(two.addr, { signal: neverAborted() });
    furthestAhead = Math.max(furthestAhead, source.readBytes - sink.receivedBytes);
  };
  await connection.sendSnapshot(snapshotHeader('s', bytes), (offset) => source.from(offset), calm());
  assert.deepEqual(await two.handler.sinks.items[0]?.finished.first(), bytes);
  const limit = world.maxSnapshotWindowBytes + 2 * chunkBytes;
  assert.ok(furthestAhead <= limit, `${furthestAhead} bytes were read ahead of the receiver, more than ${limit}`);
}

export async function messagesPassDuringASnapshot(world: NetworkWorld): Promise<void> {
  const { two, connection, events } = await startPair(world);
  two.handler.onMessage = ({ reply }) => reply(heartbeatAnswer(1));
  // The receiver takes no further chunk until a heartbeat went there and back.
  two.handler.onChunk = async () => {
    await events.messages.first();
  };
  const bytes = snapshotBytes(4 * KIB * KIB);
  const source = new ChunkSource(bytes, 256 * KIB);
  const call = connection.sendSnapshot(snapshotHeader('s', bytes), (offset) => source.from(offset), calm());
  await two.handler.sinks.first();
  connection.send(heartbeat(1));
  await call;
  assert.equal(events.messages.items.length, 1);
}

/** Item 7 of what users complain about: transfers that start from the first chunk forever. */
export async function snapshotResumesWhereItBroke(world: NetworkWorld): Promise<void> {
  const { two, connection } = await startPair(world);
  const bytes = snapshotBytes(900 * KIB);
  const header = snapshotHeader('s', bytes);
  const failing = new ChunkSource(bytes, 100 * KIB);
  async function* breakingOff(offset: number): AsyncGenerator<Uint8Array> {
    for await (const chunk of failing.from(offset)) {
      yield chunk;
      if (failing.readBytes >= 500 * KIB) {
        await sinkReached(two.handler, 500 * KIB);
        throw new StorageError('the disk of the sender failed');
      }
    }
  }
  await expectRejection(() => connection.sendSnapshot(header, breakingOff, calm()), 'STORAGE');
  await two.handler.sinks.items[0]?.aborted.first();
  const source = new ChunkSource(bytes, 100 * KIB);
  await connection.sendSnapshot(header, (offset) => source.from(offset), calm());
  assert.deepEqual(source.startedAt, [500 * KIB]);
  assert.deepEqual(await two.handler.sinks.items[1]?.finished.first(), bytes);
}

export async function newSnapshotStartsAtZero(world: NetworkWorld): Promise<void> {
  const pair = await startPair(world);
  await breakAfterFirstChunk(pair, 'old');
  const bytes = snapshotBytes(250 * KIB);
  const source = new ChunkSource(bytes, 100 * KIB);
  await pair.connection.sendSnapshot(snapshotHeader('new', bytes), (offset) => source.from(offset), calm());
  assert.deepEqual(source.startedAt, [0]);
  assert.deepEqual(await pair.two.handler.sinks.items[1]?.finished.first(), bytes);
}

export async function damagedSnapshotIsRefused(world: NetworkWorld): Promise<void> {
  const { two, connection } = await startPair(world);
  const bytes = snapshotBytes(300 * KIB);
  const header = snapshotHeader('s', bytes);
  const damaged = Uint8Array.from(bytes);
  damaged[200 * KIB] = (damaged[200 * KIB] ?? 0) ^ 1;
  const bad = new ChunkSource(damaged, 100 * KIB);
  const call = connection.sendSnapshot(header, (offset) => bad.from(offset), calm());
  await expectRejection(() => call, 'SNAPSHOT');
  assert.equal(two.handler.sinks.items[0]?.finished.items.length, 0);
  const good = new ChunkSource(bytes, 100 * KIB);
  await connection.sendSnapshot(header, (offset) => good.from(offset), calm());
  assert.deepEqual(good.startedAt, [0], 'damaged bytes are not resumed');
}

export async function receiverFailureReachesTheSender(world: NetworkWorld): Promise<void> {
  const { two, connection } = await startPair(world);
  two.handler.onChunk = async () => {
    throw new StorageError('the disk of the receiver is full');
  };
  const bytes = snapshotBytes(10 * KIB);
  const source = new ChunkSource(bytes, KIB);
  const call = connection.sendSnapshot(snapshotHeader('s', bytes), (offset) => source.from(offset), calm());
  await assert.rejects(call, (error) => {
    assert.ok(ConsensusError.is(error), String(error));
    return /disk of the receiver is full/.test(error.message);
  });
  await two.handler.sinks.items[0]?.aborted.first();
}

export async function abortedSnapshotEndsOnBothSides(world: NetworkWorld): Promise<void> {
  const { two, connection } = await startPair(world);
  const abort = new AbortController();
  const reason = new Error('deposed');
  two.handler.onChunk = async () => abort.abort(reason);
  const bytes = snapshotBytes(8 * KIB * KIB);
  const source = new ChunkSource(bytes, 100 * KIB);
  const options = { signal: abort.signal, onProgress: () => undefined };
  const call = connection.sendSnapshot(snapshotHeader('s', bytes), (offset) => source.from(offset), options);
  await assert.rejects(call, (error) => error === reason);
  await two.handler.sinks.items[0]?.aborted.first();
  assert.ok(source.readBytes < bytes.byteLength);
}

export async function snapshotToNobodyFails(world: NetworkWorld): Promise<void> {
  const one = await startNode(world, new RecordingHandler(1));
  const peer = { nodeId: 2, addr: await world.reserveAddr(), instanceId: null };
  const connection = one.network.connect(peer, new RecordingEvents());
  const bytes = snapshotBytes(10);
  const source = new ChunkSource(bytes, 5);
  const call = connection.sendSnapshot(snapshotHeader('s', bytes), (offset) => source.from(offset), calm());
  await expectRejection(() => call, 'UNREACHABLE');
  assert.deepEqual(source.startedAt, []);
}

export async function hangingReceiverCanBeLeft(world: NetworkWorld): Promise<void> {
  const { two, connection } = await startPair(world);
  two.handler.onChunk = async () => await new Promise<never>(() => undefined);
  const bytes = snapshotBytes(10 * KIB);
  const source = new ChunkSource(bytes, KIB);
  const call = connection.sendSnapshot(snapshotHeader('s', bytes), (offset) => source.from(offset), calm());
  const rejected = assert.rejects(call, (error) => ConsensusError.is(error));
  await two.handler.sinks.first();
  connection.close();
  await rejected;
}

async function breakAfterFirstChunk({ two, connection }: Pair, id: string): Promise<void> {
  const bytes = snapshotBytes(300 * KIB);
  const source = new ChunkSource(bytes, 100 * KIB);
  async function* breakingOff(offset: number): AsyncGenerator<Uint8Array> {
    for await (const chunk of source.from(offset)) {
      yield chunk;
      await sinkReached(two.handler, 100 * KIB);
      throw new StorageError('broken off');
    }
  }
  await expectRejection(() => connection.sendSnapshot(snapshotHeader(id, bytes), breakingOff, calm()), 'STORAGE');
  await two.handler.sinks.items[0]?.aborted.first();
}

/** Waits until the first sink holds this many bytes. */
async function sinkReached(handler: RecordingHandler, bytes: number): Promise<void> {
  await handler.sinks.items[0]?.reach(bytes);
}

function calm(): { readonly signal: AbortSignal; readonly onProgress: (sentBytes: number) => void } {
  return { signal: neverAborted(), onProgress: () => undefined };
}
