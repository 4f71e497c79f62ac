/** The contract of the log store port as runnable cases: every adapter passes them all. */
import type { LogStore } from '../../ports/log-store.ts';
import type { ConformanceSuite } from './conformance-suite.ts';
import { makeSuite } from './conformance-suite.ts';
import { readChecks } from './log-store-read-cases.ts';
import { reopenedShapeChecks, shapeChecks } from './log-store-shape-cases.ts';
import { LogStoreWorld } from './log-store-world.ts';
import { reopenedWriteChecks, writeChecks } from './log-store-write-cases.ts';
import type { Place } from './place.ts';

export interface LogStoreSuiteOptions {
  /** Makes an empty place. Called for each case. */
  create(): Place<LogStore> | Promise<Place<LogStore>>;
  /** Whether a place keeps its data when a store over it is closed and the next one is opened. */
  readonly persistent: boolean;
}

/**
 * The cases for one log store, each with a place of its own. Not covered: crashes, damaged data and a second process,
 * which each need means of their own.
 *
 * ```ts
 * const create = () => {
 *   const directory = mkdtempSync('/tmp/log-');
 *   return { make: () => new MyLogStore(directory), remove: () => rmSync(directory, { recursive: true }) };
 * };
 * runSuite(logStoreSuite({ create, persistent: true }), test);
 * ```
 */
export function logStoreSuite({ create, persistent }: LogStoreSuiteOptions): ConformanceSuite {
  const absence = persistent ? null : 'the store does not keep its data when it is closed (persistent: false)';
  return makeSuite(
    [
      { checks: shapeChecks, absence: null },
      { checks: readChecks, absence: null },
      { checks: writeChecks, absence: null },
      { checks: reopenedShapeChecks, absence },
      { checks: reopenedWriteChecks, absence },
    ],
    async () => LogStoreWorld.create(await create()),
  );
}
