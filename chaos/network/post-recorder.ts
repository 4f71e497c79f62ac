/** Finds whole messages in the bytes of an HTTP connection, so that they can be sent a second time. */

/** Larger ones are not kept. */
const REQUEST_BYTES_MAX = 1024 * 1024;

const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * What is replayed: votes and appends, which Raft must take twice. Not the proposals that a follower passes on: a proxy
 * that repeats those breaks HTTP, and a write that is done twice would be its doing.
 */
const REPLAYABLE = /^POST [^ ]*\/(vote|append) HTTP\/1\.1\r\n/;

/** Reads one direction of one connection. */
export class PostRecorder {
  readonly #onMessage: (request: Buffer) => void;
  #pending = Buffer.alloc(0);
  /** A stream, or something that is not understood: the rest is not looked at. */
  #isOpaque = false;

  constructor(onMessage: (request: Buffer) => void) {
    this.#onMessage = onMessage;
  }

  feed(chunk: Buffer): void {
    if (this.#isOpaque) return;
    this.#pending = Buffer.concat([this.#pending, chunk]);
    while (!this.#isOpaque && this.#takeRequest());
    if (this.#isOpaque) this.#pending = Buffer.alloc(0);
  }

  #takeRequest(): boolean {
    const headBytes = this.#pending.indexOf(HEAD_END);
    if (headBytes < 0) {
      this.#isOpaque = this.#pending.byteLength > REQUEST_BYTES_MAX;
      return false;
    }
    const head = this.#pending.subarray(0, headBytes + HEAD_END.byteLength).toString('latin1');
    if (/^(upgrade|transfer-encoding):/im.test(head)) {
      this.#isOpaque = true;
      return false;
    }
    const bodyBytes = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    const requestBytes = head.length + bodyBytes;
    if (requestBytes > REQUEST_BYTES_MAX) {
      this.#isOpaque = true;
      return false;
    }
    if (this.#pending.byteLength < requestBytes) return false;
    const request = Buffer.from(this.#pending.subarray(0, requestBytes));
    this.#pending = this.#pending.subarray(requestBytes);
    if (REPLAYABLE.test(head)) this.#onMessage(request);
    return true;
  }
}
