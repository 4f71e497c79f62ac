/** The contract of the snapshot store port as runnable cases: every adapter passes them all. */
import type { SnapshotStore } from '../../ports/snapshot-store.ts';
import type { ConformanceSuite } from './conformance-suite.ts';
import { makeSuite } from './conformance-suite.ts';
import type { Place } from './place.ts';
import { resumeChecks } from './snapshot-resume-cases.ts';
import { reopenedSnapshotChecks, snapshotChecks } from './snapshot-store-cases.ts';
import { SnapshotStoreWorld } from './snapshot-store-world.ts';

export interface SnapshotStoreSuiteOptions {
  /** Makes an empty place. Called for each case. */
  create(): Place<SnapshotStore> | Promise<Place<SnapshotStore>>;
  /** Whether a place keeps its data when a store over it is closed and the next one is opened. */
  readonly persistent: boolean;
}

/** The cases for one snapshot store, each with a place of its own. Not covered: crashes and damaged data. */
export function snapshotStoreSuite({ create, persistent }: SnapshotStoreSuiteOptions): ConformanceSuite {
  const absence = persistent ? null : 'the store does not keep its data when it is closed (persistent: false)';
  return makeSuite(
    [
      { checks: snapshotChecks, absence: null },
      { checks: resumeChecks, absence: null },
      { checks: reopenedSnapshotChecks, absence },
    ],
    async () => SnapshotStoreWorld.create(await create()),
  );
}
