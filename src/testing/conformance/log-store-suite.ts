/** The contract of the log store port as runnable cases: every adapter passes them all. */
import { absenceOf } from './capabilities.ts';
import type { ConformanceSuite } from './conformance-suite.ts';
import { makeSuite } from './conformance-suite.ts';
import { crashChecks, crashPointChecks } from './log-store-crash-cases.ts';
import { damageChecks } from './log-store-damage-cases.ts';
import { faultChecks } from './log-store-fault-cases.ts';
import {
  crashedHistoryChecks,
  crashPointHistoryChecks,
  historyChecks,
  reopenedHistoryChecks,
} from './log-store-history-cases.ts';
import { lockChecks } from './log-store-lock-cases.ts';
import type { LogStoreSuiteOptions } from './log-store-place.ts';
import { readChecks, reopenedReadChecks } from './log-store-read-cases.ts';
import { reopenedShapeChecks, shapeChecks } from './log-store-shape-cases.ts';
import { LogStoreWorld } from './log-store-world.ts';
import { reopenedWriteChecks, writeChecks } from './log-store-write-cases.ts';

/**
 * The cases for one log store, each with a place of its own.
 *
 * ```ts
 * const create = () => {
 *   const directory = mkdtempSync('/tmp/log-');
 *   return { make: () => new MyLogStore(directory), remove: () => rmSync(directory, { recursive: true }) };
 * };
 * runSuite(logStoreSuite({ create, persistent: true }), test);
 * ```
 *
 * Crashes, failing disks, damage and a second opener need places that can do such things, declared as `capabilities`;
 * without them `notCovered` lists the cases.
 */
export function logStoreSuite(options: LogStoreSuiteOptions): ConformanceSuite {
  return makeSuite(
    [
      { checks: shapeChecks, absence: null },
      { checks: readChecks, absence: null },
      { checks: writeChecks, absence: null },
      { checks: historyChecks, absence: null },
      { checks: reopenedShapeChecks, absence: absenceOf(options) },
      { checks: reopenedReadChecks, absence: absenceOf(options) },
      { checks: reopenedWriteChecks, absence: absenceOf(options) },
      { checks: reopenedHistoryChecks, absence: absenceOf(options) },
      { checks: lockChecks, absence: absenceOf(options, 'lock') },
      { checks: crashChecks, absence: absenceOf(options, 'crash') },
      { checks: crashedHistoryChecks, absence: absenceOf(options, 'crash') },
      { checks: crashPointChecks, absence: absenceOf(options, 'crash', 'crash-points') },
      { checks: crashPointHistoryChecks, absence: absenceOf(options, 'crash', 'crash-points') },
      { checks: faultChecks, absence: absenceOf(options, 'faults') },
      { checks: damageChecks, absence: absenceOf(options, 'damage') },
    ],
    () => LogStoreWorld.create(options),
  );
}
