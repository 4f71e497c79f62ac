/** What the log store suite needs of the places of a log. */
import type { LogIndex } from '../../core/ids.ts';
import type { LogStore } from '../../ports/log-store.ts';
import type { CapabilityOptions } from './capabilities.ts';
import type { Place } from './place.ts';

/** Damage to what a log store has stored. */
export interface LogStoreDamage {
  /** What is damaged. `entry`: the one at `index`; of the other parts what was saved last. */
  readonly part: 'entry' | 'hard-state' | 'identity' | 'last-purged';
  /** 0 for parts other than `entry`. */
  readonly index: LogIndex;
  /** `flip`: one of its bits, picked by `seed`, is another. `remove`: it is gone, and nothing else is. */
  readonly type: 'flip' | 'remove';
  readonly seed: number;
}

/** A log store's home. */
export interface LogStorePlace extends Place<LogStore> {
  /**
   * For `damage`. Called while no store is open, after the last one was closed. A part that the store keeps in one
   * record with others is damaged with them.
   */
  damage?(damage: LogStoreDamage): void | Promise<void>;
}

export interface LogStoreSuiteOptions extends CapabilityOptions {
  /** Makes an empty place. Called for each case, and for each of several places in a case. */
  create(): LogStorePlace | Promise<LogStorePlace>;
  /** Of the random histories; 1 by default. A failure tells the one that repeats it. */
  readonly seed?: number;
}
