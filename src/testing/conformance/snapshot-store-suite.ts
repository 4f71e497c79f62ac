/** The contract of the snapshot store port as runnable cases: every adapter passes them all. */
import { absenceOf } from './capabilities.ts';
import type { ConformanceSuite } from './conformance-suite.ts';
import { makeSuite } from './conformance-suite.ts';
import { snapshotCrashChecks, snapshotCrashPointChecks } from './snapshot-crash-cases.ts';
import { snapshotDamageChecks } from './snapshot-damage-cases.ts';
import { snapshotFaultChecks } from './snapshot-fault-cases.ts';
import { resumeChecks } from './snapshot-resume-cases.ts';
import { reopenedSnapshotChecks, snapshotChecks, snapshotLockChecks } from './snapshot-store-cases.ts';
import type { SnapshotStoreSuiteOptions } from './snapshot-store-world.ts';
import { SnapshotStoreWorld } from './snapshot-store-world.ts';

/**
 * The cases for one snapshot store, each with a place of its own. Crashes, failing disks, damage and a second opener
 * need places that can do such things, declared as `capabilities`; without them `notCovered` lists the cases.
 */
export function snapshotStoreSuite(options: SnapshotStoreSuiteOptions): ConformanceSuite {
  return makeSuite(
    [
      { checks: snapshotChecks, absence: null },
      { checks: resumeChecks, absence: null },
      { checks: reopenedSnapshotChecks, absence: absenceOf(options) },
      { checks: snapshotLockChecks, absence: absenceOf(options, 'lock') },
      { checks: snapshotCrashChecks, absence: absenceOf(options, 'crash') },
      { checks: snapshotCrashPointChecks, absence: absenceOf(options, 'crash', 'crash-points') },
      { checks: snapshotFaultChecks, absence: absenceOf(options, 'faults') },
      { checks: snapshotDamageChecks, absence: absenceOf(options, 'damage') },
    ],
    () => SnapshotStoreWorld.create(options),
  );
}
