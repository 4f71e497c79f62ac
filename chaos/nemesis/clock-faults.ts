/** Wall clocks that jump, forward and back. Monotonic clocks go on as they are: those a node may rely on. */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inOrder, victimChoice } from './victims.ts';
import type { Clocks, Nemesis } from './world.ts';
import { names } from './world.ts';

/** Seconds. From a little to a day. */
const OFFSETS = [-86_400, -3600, -60, -5, 5, 60, 3600, 86_400];

/** Each victim gets another offset. Only wall clocks change, so a process that is down or paused does no harm. */
export const clock: Nemesis = async (fault, { cluster, clocks }) => {
  if (clocks === null) return null;
  const { count, isLeaderFirst } = victimChoice(fault, cluster.members.length);
  const victims = (await inOrder(cluster, fault, isLeaderFirst)).slice(0, count);
  const offsets = victims.map(({ place }, index) => {
    const position = Math.floor(fault.strength * OFFSETS.length) + index;
    return { place, seconds: OFFSETS[position % OFFSETS.length] ?? 0 };
  });
  await Promise.all(offsets.map(({ place, seconds }) => clocks.setOffset(place, seconds)));
  return {
    what: `clock of ${names(victims)} off by ${offsets.map(({ seconds }) => `${seconds} s`).join(', ')}`,
    async end() {
      await Promise.all(offsets.map(({ place }) => clocks.setOffset(place, 0)));
    },
  };
};

/** Offsets that libfaketime reads from a file, one for each place; it looks again after a second. */
export class ClockFiles implements Clocks {
  readonly #library: string;
  readonly #directory: string;

  constructor(library: string, directory: string) {
    this.#library = library;
    this.#directory = directory;
  }

  /** For the process of a place. Its file must be there before the process is. */
  environmentOf(place: number): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#fileOf(place),
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** Whole or not at all: a reader must not find half a number. */
  async setOffset(place: number, offsetSeconds: number): Promise<void> {
    const path = this.#fileOf(place);
    await writeFile(`${path}.new`, `${offsetSeconds < 0 ? '' : '+'}${offsetSeconds}\n`);
    await rename(`${path}.new`, path);
  }

  #fileOf(place: number): string {
    return join(this.#directory, `clock-${place + 1}`);
  }
}
