/** One node as the others see it on a hub. */
import type { Message } from '../../core/message.ts';
import { IndeterminateError } from '../../errors.ts';
import type { Envelope, InboundHandler } from '../../ports/network.ts';
import { OpenCalls } from './open-calls.ts';

/** Decides about every message and every answer, in both directions. */
export type MemMessageFilter = (envelope: Envelope, message: Message) => 'deliver' | 'drop' | 'unreachable';

export class MemEndpoint {
  readonly addr: string;
  readonly inbound: InboundHandler;
  /** Calls of others that this node has not answered yet. */
  readonly serving: OpenCalls = new OpenCalls();
  #isOpen = true;

  constructor(addr: string, inbound: InboundHandler) {
    this.addr = addr;
    this.inbound = inbound;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  close(): void {
    this.#isOpen = false;
    this.serving.failAll(new IndeterminateError(`the network of ${this.addr} was closed during the call`));
  }
}
