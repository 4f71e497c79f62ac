/** The way of a request, an answer or a snapshot chunk over the hub. */
import { BusyError, UnreachableError } from '../../errors.ts';
import type { Carried, MemFabric } from './mem-fabric.ts';

export interface Crossing {
  readonly fabric: MemFabric;
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
  readonly signal: AbortSignal;
}

/**
 * Resolves when the packet arrives.
 * @throws UnreachableError when it will not, BusyError when too much is under way, or the signal's reason
 */
export async function cross({ fabric, from, to, bytes, signal }: Crossing): Promise<void> {
  signal.throwIfAborted();
  if (fabric.isCalm) {
    return;
  }
  let giveUp = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      giveUp = (): void => reject(signal.reason);
      signal.addEventListener('abort', giveUp, { once: true });
      const carried = fabric.carry(from, to, bytes, resolve);
      if (carried !== 'sent') {
        reject(failureOf(carried, from, to));
      }
    });
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

function failureOf(carried: Exclude<Carried, 'sent'>, from: string, to: string): Error {
  switch (carried) {
    case 'unreachable':
      return cutOff(from, to);
    case 'lost':
      return new UnreachableError(to, `the hub lost what ${from} sent`);
    case 'full':
      return new BusyError('maxQueueBytes', `too much is waiting for ${to}; retry later`);
  }
}

/** What a sender learns when the hub has cut the way. */
export function cutOff(from: string, to: string): UnreachableError {
  return new UnreachableError(to, `the hub has cut the way from ${from}; heal() opens it again`);
}

/** What a sender learns when no node is at an address. */
export function nobodyAt(addr: string): UnreachableError {
  return new UnreachableError(addr, 'no open network of the hub has this address; is the node started?');
}
