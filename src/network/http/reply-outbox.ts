/**
 * Answers to posted messages. A request waits a moment for the answers to what it brought; one that comes later, because
 * the disk was slow, goes with the next request of the same sender. So no answer is lost and no request hangs.
 */
import type { NodeId } from '../../core/ids.ts';
import type { Message } from '../../core/message.ts';
import type { SystemPorts } from './system-ports.ts';

interface LateReply {
  readonly message: Message;
  readonly atMs: number;
}

/** A sender that stops asking loses the oldest. */
const LATE_REPLIES_MAX = 1024;

/** Older answers mean nothing to anybody. */
const LATE_REPLY_MAX_AGE_MS = 10_000;

export class ReplyOutbox {
  readonly #ports: Pick<SystemPorts, 'clock' | 'timers'>;
  readonly #late = new Map<NodeId, LateReply[]>();

  constructor(ports: Pick<SystemPorts, 'clock' | 'timers'>) {
    this.#ports = ports;
  }

  /**
   * Hands messages over by `deliver`, and resolves with the answers to them and to earlier ones: as soon as all
   * `expected` answers are there, or after `holdMs`.
   */
  async exchange(
    from: NodeId,
    deliver: (reply: (message: Message) => void) => void,
    { expected, holdMs }: { readonly expected: number; readonly holdMs: number },
  ): Promise<readonly Message[]> {
    const replies: Message[] = [];
    let isOver = false;
    await new Promise<void>((resolve) => {
      const timer = this.#ports.timers.setTimer(holdMs, resolve);
      const finishIfComplete = (): void => {
        if (replies.length >= expected) {
          timer.cancel();
          resolve();
        }
      };
      deliver((message) => {
        if (isOver) {
          this.#keep(from, message);
        } else {
          replies.push(message);
          finishIfComplete();
        }
      });
      finishIfComplete();
    });
    isOver = true;
    return [...this.#takeLate(from), ...replies];
  }

  #keep(from: NodeId, message: Message): void {
    const late = this.#late.get(from) ?? [];
    this.#late.set(from, late);
    late.push({ message, atMs: this.#ports.clock.nowMs() });
    if (late.length > LATE_REPLIES_MAX) {
      late.shift();
    }
  }

  #takeLate(from: NodeId): readonly Message[] {
    const late = this.#late.get(from) ?? [];
    this.#late.delete(from);
    const oldestMs = this.#ports.clock.nowMs() - LATE_REPLY_MAX_AGE_MS;
    return late.filter(({ atMs }) => atMs >= oldestMs).map(({ message }) => message);
  }
}
