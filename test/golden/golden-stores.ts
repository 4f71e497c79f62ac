/** All kinds of data that a release leaves on a disk. */
import { goldenLog } from './golden-log.ts';
import { GOLDEN_SNAPSHOTS } from './golden-snapshots.ts';
import { goldenState } from './golden-state.ts';
import type { GoldenStore } from './golden-store.ts';

export const GOLDEN_STORES: readonly GoldenStore[] = [goldenLog, goldenState, ...GOLDEN_SNAPSHOTS];

/** Of a directory of one version: for each store a directory and a file with what is in it. */
export function expectedPath(versionPath: string, { name }: GoldenStore): string {
  return `${versionPath}/${name}.json`;
}

export function dataPath(versionPath: string, { name }: GoldenStore): string {
  return `${versionPath}/${name}`;
}
