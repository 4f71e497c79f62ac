import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import type { Frame } from '../../../src/codec/peer-frame.ts';
import { FrameReader } from '../../../src/codec/peer-frame.ts';
import { FrameWriter } from '../../../src/network/http/frame-writer.ts';

/** A socket that takes bytes when the test lets it. */
class SlowSocket extends Duplex {
  readonly #reader = new FrameReader({ maxFrameBytes: 1_000_000 });
  readonly frames: Frame[] = [];
  writes = 0;
  isOpen = true;
  #blocked: (() => void) | null = null;

  constructor() {
    super({ writableHighWaterMark: 1000 });
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#take([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#take(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  /** Takes what was written, and whatever follows until `block`. */
  unblock(): void {
    this.isOpen = true;
    this.#blocked?.();
    this.#blocked = null;
  }

  get ids(): readonly number[] {
    return this.frames.map(({ id }) => id);
  }

  #take(chunks: readonly Buffer[], done: () => void): void {
    this.writes += 1;
    const accept = (): void => {
      for (const chunk of chunks) {
        this.frames.push(...this.#reader.push(Uint8Array.from(chunk)));
      }
      done();
    };
    if (this.isOpen) {
      accept();
    } else {
      this.#blocked = accept;
    }
  }
}

function frame(
  id: number,
  bytes: number,
): { readonly type: 'message'; readonly id: number; readonly body: Uint8Array[] } {
  return { type: 'message', id, body: [new Uint8Array(bytes)] };
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('FrameWriter bounds the memory of a slow peer, and the delay of a heartbeat (users, items 6 and 10)', () => {
  test('all small frames of a turn leave in one write, in order', async () => {
    const socket = new SlowSocket();
    const writer = new FrameWriter(socket, { maxQueueBytes: 100_000 });
    for (let id = 1; id <= 50; id += 1) {
      assert.equal(writer.write('small', frame(id, 40)), true);
    }
    assert.equal(socket.writes, 0);
    await turn();
    assert.equal(socket.writes, 1);
    assert.deepEqual(
      socket.ids,
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
  });

  test('a small frame waits behind no more than one large one', async () => {
    const socket = new SlowSocket();
    socket.isOpen = false;
    const writer = new FrameWriter(socket, { maxQueueBytes: 100_000 });
    for (const id of [1, 2, 3]) {
      writer.write('large', frame(id, 5000));
    }
    await turn();
    writer.write('small', frame(9, 40));
    await turn();
    socket.unblock();
    await turn();
    assert.deepEqual(socket.ids, [1, 9, 2, 3]);
  });

  test('large frames keep their order and wait while the socket is full', async () => {
    const socket = new SlowSocket();
    socket.isOpen = false;
    const writer = new FrameWriter(socket, { maxQueueBytes: 1_000_000 });
    const written: number[] = [];
    for (let id = 1; id <= 20; id += 1) {
      writer.write('large', frame(id, 2000), () => written.push(id));
    }
    await turn();
    assert.deepEqual(written, [1], 'nothing is handed to a full socket');
    for (let id = 1; id <= 20; id += 1) {
      socket.unblock();
      await turn();
    }
    assert.deepEqual(
      socket.ids,
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    assert.deepEqual(written, socket.ids);
  });

  test('the queue is bounded in bytes; one frame fits always, and small ones have room of their own', async () => {
    const socket = new SlowSocket();
    socket.isOpen = false;
    const writer = new FrameWriter(socket, { maxQueueBytes: 10_000 });
    assert.equal(writer.write('large', frame(1, 50_000)), true, 'larger than the queue, but alone');
    await turn();
    assert.equal(writer.write('large', frame(2, 10)), false);
    assert.equal(writer.write('small', frame(3, 10)), true, 'a full queue of appends drops no heartbeat');
    let id = 4;
    while (writer.write('small', frame(id, 10_000))) {
      id += 1;
      assert.ok(id < 200, 'small frames are bounded too');
    }
    socket.unblock();
    await turn();
    assert.equal(writer.waitingBytes, 0);
    assert.equal(writer.write('large', frame(500, 10)), true);
  });

  test('a closed writer takes nothing and forgets what waits', async () => {
    const socket = new SlowSocket();
    const writer = new FrameWriter(socket, { maxQueueBytes: 10_000 });
    writer.write('small', frame(1, 10));
    writer.close();
    assert.equal(writer.write('small', frame(2, 10)), false);
    await turn();
    assert.deepEqual(socket.ids, []);
  });
});
