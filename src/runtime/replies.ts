/** Brings the core's answers back to where the question came from. */
import type { Message } from '../core/message.ts';

export type Reply = (message: Message) => void;

/** Questions that the core leaves unanswered (it may) are forgotten, oldest first. */
const LIMIT = 16_384;

export class Replies {
  #lastToken = 0;
  readonly #open = new Map<number, Reply>();

  /** A token for the core; `reply` is called with the answer, or never. */
  register(reply: Reply): number {
    this.#lastToken += 1;
    this.#open.set(this.#lastToken, reply);
    if (this.#open.size > LIMIT) {
      for (const oldest of this.#open.keys()) {
        this.#open.delete(oldest);
        break;
      }
    }
    return this.#lastToken;
  }

  take(token: number): Reply | undefined {
    const reply = this.#open.get(token);
    this.#open.delete(token);
    return reply;
  }
}
