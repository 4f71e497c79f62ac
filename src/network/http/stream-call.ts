/** An exchange of frames under one id of a stream: a request, or a snapshot. */
import type { Frame } from '../../codec/peer-frame.ts';

export interface StreamCall {
  /** The peer sent a frame with this call's id. */
  onFrame(frame: Frame): void;
  /** The stream is lost, or the peer failed. */
  fail(error: Error): void;
}

/** The open calls of one stream, by id. */
export class StreamCalls {
  readonly #calls = new Map<number, StreamCall>();
  #lastId = 0;

  get size(): number {
    return this.#calls.size;
  }

  /** An id that no open call has; 0 stands for the stream itself. */
  freeId(): number {
    do {
      this.#lastId = this.#lastId === 0xffff_ffff ? 1 : this.#lastId + 1;
    } while (this.#calls.has(this.#lastId));
    return this.#lastId;
  }

  set(id: number, call: StreamCall): void {
    this.#calls.set(id, call);
  }

  get(id: number): StreamCall | null {
    return this.#calls.get(id) ?? null;
  }

  remove(id: number): void {
    this.#calls.delete(id);
  }

  failAll(error: Error): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) {
      call.fail(error);
    }
  }
}
