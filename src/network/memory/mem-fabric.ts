/**
 * What lies between the nodes of one process: who listens where, and which faults are on. Without a fault nothing here
 * is on the path of a message but one flag.
 */

import { ConfigError } from '../../errors.ts';
import type { Timers } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { MemEndpoint, MemMessageFilter } from './mem-endpoint.ts';

export interface MemFabricOptions {
  readonly timers: Timers | null;
  readonly random: Random | null;
  readonly maxQueueBytes: number;
}

export interface MemDelay {
  readonly minMs: number;
  readonly maxMs: number;
  /** `true` (the default): what was sent first arrives first. */
  readonly keepOrder?: boolean;
}

/**
 * - `sent`: it arrived, or will.
 * - `lost`: nobody will ever know.
 * - `full`: too much is waiting for this peer already.
 * - `unreachable`: the sender sees that there is no way.
 */
export type Carried = 'sent' | 'lost' | 'full' | 'unreachable';

interface Delivery {
  readonly bytes: number;
  readonly deliver: () => void;
}

/** Deliveries that wait for one address or one direction of a link. */
interface WaitingRoom {
  bytes: number;
  readonly deliveries: Delivery[];
}

export class MemFabric {
  readonly #options: MemFabricOptions;
  readonly #endpoints = new Map<string, MemEndpoint>();
  readonly #cuts = new Set<string>();
  readonly #isolated = new Set<string>();
  /** What waits for an address that hangs. */
  readonly #hanging = new Map<string, WaitingRoom>();
  /** What is delayed, by direction. */
  readonly #delayed = new Map<string, WaitingRoom>();
  #delay: MemDelay | null = null;
  #dropRate = 0;
  #duplicateRate = 0;
  #filter: MemMessageFilter | null = null;
  #isCalm = true;

  constructor(options: MemFabricOptions) {
    this.#options = options;
  }

  /** No fault is on: messages may go straight to their target. */
  get isCalm(): boolean {
    return this.#isCalm;
  }

  get filter(): MemMessageFilter | null {
    return this.#filter;
  }

  register(endpoint: MemEndpoint): void {
    if (this.#endpoints.has(endpoint.addr)) {
      const rule = 'is in use by another open network of this hub';
      throw new ConfigError([{ field: 'addr', value: endpoint.addr, rule }]);
    }
    this.#endpoints.set(endpoint.addr, endpoint);
  }

  unregister(endpoint: MemEndpoint): void {
    if (this.#endpoints.get(endpoint.addr) === endpoint) {
      this.#endpoints.delete(endpoint.addr);
    }
  }

  find(addr: string): MemEndpoint | null {
    return this.#endpoints.get(addr) ?? null;
  }

  isCut(from: string, to: string): boolean {
    return this.#isolated.has(from) || this.#isolated.has(to) || this.#cuts.has(direction(from, to));
  }

  /** Takes a packet of `bytes` from one address to another; `deliver` is called when it arrives, perhaps twice. */
  carry(from: string, to: string, bytes: number, deliver: () => void): Carried {
    if (this.isCut(from, to)) {
      return 'unreachable';
    }
    if (this.#happens(this.#dropRate)) {
      return 'lost';
    }
    const hanging = this.#hanging.get(to);
    if (hanging !== undefined) {
      return this.#wait(hanging, { bytes, deliver }) ? 'sent' : 'full';
    }
    const copies = this.#happens(this.#duplicateRate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      if (this.#delay === null) {
        deliver();
      } else if (!this.#deliverLater(from, to, bytes, deliver)) {
        return 'full';
      }
    }
    return 'sent';
  }

  isolate(addr: string): void {
    this.#isolated.add(addr);
    this.#isCalm = false;
  }

  cut(from: string, to: string): void {
    this.#cuts.add(direction(from, to));
    this.#isCalm = false;
  }

  hang(addr: string): void {
    if (!this.#hanging.has(addr)) {
      this.#hanging.set(addr, { bytes: 0, deliveries: [] });
    }
    this.#isCalm = false;
  }

  delay(delay: MemDelay | null): void {
    this.#require('timers', delay !== null);
    this.#require('random', delay !== null);
    this.#delay = delay;
    this.#updateCalm();
  }

  drop(rate: number): void {
    this.#require('random', rate > 0);
    this.#dropRate = rate;
    this.#updateCalm();
  }

  duplicate(rate: number): void {
    this.#require('random', rate > 0);
    this.#duplicateRate = rate;
    this.#updateCalm();
  }

  setFilter(filter: MemMessageFilter | null): void {
    this.#filter = filter;
    this.#updateCalm();
  }

  /** Ends the faults of one address and delivers what waited for it. */
  healAddr(addr: string): void {
    this.#isolated.delete(addr);
    for (const key of [...this.#cuts]) {
      if (endsOf(key).includes(addr)) {
        this.#cuts.delete(key);
      }
    }
    const waiting = this.#hanging.get(addr);
    this.#hanging.delete(addr);
    this.#updateCalm();
    for (const { deliver } of waiting?.deliveries ?? []) {
      deliver();
    }
  }

  healAll(): void {
    this.#cuts.clear();
    this.#isolated.clear();
    this.#delay = null;
    this.#dropRate = 0;
    this.#duplicateRate = 0;
    this.#filter = null;
    for (const addr of [...this.#hanging.keys()]) {
      this.healAddr(addr);
    }
    this.#updateCalm();
  }

  #updateCalm(): void {
    const rates = this.#dropRate + this.#duplicateRate;
    const places = this.#cuts.size + this.#isolated.size + this.#hanging.size;
    this.#isCalm = rates === 0 && places === 0 && this.#delay === null && this.#filter === null;
  }

  #happens(rate: number): boolean {
    return rate > 0 && this.#options.random !== null && this.#options.random.next() < rate;
  }

  #require(what: 'timers' | 'random', isNeeded: boolean): void {
    if (isNeeded && this.#options[what] === null) {
      throw new TypeError(`this fault needs ${what}: pass { ${what} } to MemHub`);
    }
  }

  #wait(room: WaitingRoom, delivery: Delivery): boolean {
    // A packet larger than the limit must pass too, alone.
    if (room.deliveries.length > 0 && room.bytes + delivery.bytes > this.#options.maxQueueBytes) {
      return false;
    }
    room.bytes += delivery.bytes;
    room.deliveries.push(delivery);
    return true;
  }

  #deliverLater(from: string, to: string, bytes: number, deliver: () => void): boolean {
    const key = direction(from, to);
    const room = this.#delayed.get(key) ?? { bytes: 0, deliveries: [] };
    this.#delayed.set(key, room);
    const own: Delivery = { bytes, deliver };
    if (!this.#wait(room, own)) {
      return false;
    }
    const keepOrder = this.#delay?.keepOrder ?? true;
    this.#setTimer(() => {
      // In order, each timer that fires lets the oldest one out, whoever set it.
      const index = keepOrder ? 0 : room.deliveries.indexOf(own);
      const [next] = room.deliveries.splice(index, 1);
      if (next !== undefined) {
        room.bytes -= next.bytes;
        next.deliver();
      }
    });
    return true;
  }

  #setTimer(callback: () => void): void {
    const { timers, random } = this.#options;
    if (timers !== null && random !== null && this.#delay !== null) {
      const { minMs, maxMs } = this.#delay;
      timers.setTimer(minMs + random.next() * (maxMs - minMs), callback);
    }
  }
}

/** Addresses may hold any character but this one. */
const SEPARATOR = '\u0000';

function direction(from: string, to: string): string {
  return `${from}${SEPARATOR}${to}`;
}

function endsOf(key: string): readonly string[] {
  return key.split(SEPARATOR);
}
