/** Messages that are posted in order: one request at a time, each with all that wait for the same endpoint. */
import type { Message } from '../../core/message.ts';
import { routeOf } from './wire.ts';

export interface MessageBatch {
  readonly path: ReturnType<typeof routeOf>;
  readonly messages: readonly Message[];
}

export interface PostLaneOptions {
  readonly maxQueueBytes: number;
  /** Never rejects. */
  readonly post: (batch: MessageBatch) => Promise<void>;
}

/** A batch ends with the message that reaches this size. */
const BATCH_BYTES_MAX = 256 * 1024;

/** What the endpoint for votes takes at most is far from this. */
const BATCH_MESSAGES_MAX = 256;

interface WaitingMessage {
  readonly message: Message;
  readonly bytes: number;
}

export class PostLane {
  readonly #options: PostLaneOptions;
  #waiting: WaitingMessage[] = [];
  #bytes = 0;
  #isPosting = false;
  #isClosed = false;

  constructor(options: PostLaneOptions) {
    this.#options = options;
  }

  /** `false` when there is no room. One message fits always. */
  push(message: Message, bytes: number): boolean {
    if (this.#isClosed || (this.#bytes > 0 && this.#bytes + bytes > this.#options.maxQueueBytes)) {
      return false;
    }
    this.#bytes += bytes;
    this.#waiting.push({ message, bytes });
    if (!this.#isPosting) {
      this.#isPosting = true;
      // At the end of this turn, so that all its messages go together.
      queueMicrotask(() => this.#postNext());
    }
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
  }

  #postNext(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#isPosting = false;
      return;
    }
    const path = routeOf(first.message.type);
    let count = 0;
    let bytes = 0;
    for (const { message, bytes: messageBytes } of this.#waiting) {
      if (routeOf(message.type) !== path || count === BATCH_MESSAGES_MAX || bytes >= BATCH_BYTES_MAX) {
        break;
      }
      count += 1;
      bytes += messageBytes;
    }
    const messages = this.#waiting.slice(0, count).map(({ message }) => message);
    this.#waiting = this.#waiting.slice(count);
    void this.#options.post({ path, messages }).then(() => {
      this.#bytes -= bytes;
      this.#postNext();
    });
  }
}
