/** The contract of the state machine port as runnable cases: every adapter passes them all. */
import type { PlaceCapability } from './capabilities.ts';
import { absenceOf } from './capabilities.ts';
import type { CheckGroup, ConformanceSuite } from './conformance-suite.ts';
import { makeSuite } from './conformance-suite.ts';
import { applyChecks, failingApplyChecks, reopenedApplyChecks } from './state-machine-apply-cases.ts';
import { stateCrashChecks, stateCrashPointChecks } from './state-machine-crash-cases.ts';
import { stateFaultChecks, stateLockChecks } from './state-machine-fault-cases.ts';
import { reopenedRestoreChecks, restoreChecks, snapshotViewChecks } from './state-machine-snapshot-cases.ts';
import type { StateMachineSuiteOptions } from './state-machine-world.ts';
import { StateMachineWorld } from './state-machine-world.ts';

/**
 * The cases for one state machine, each with places of its own. Run it with your own requests to check that your apply
 * is deterministic and your snapshots are complete.
 */
export function stateMachineSuite<Request, Response>(
  options: StateMachineSuiteOptions<Request, Response>,
): ConformanceSuite {
  const absence = (...needed: readonly PlaceCapability[]): string | null =>
    options.persistent ? absenceOf(options, ...needed) : 'the machine keeps no state by itself (persistent: false)';
  const cannotFail = options.makeFailingRequest === null ? 'the machine has no request that fails' : null;
  const groups: CheckGroup<StateMachineWorld<Request, Response>>[] = [
    { checks: applyChecks, absence: null },
    { checks: failingApplyChecks, absence: cannotFail },
    { checks: snapshotViewChecks, absence: null },
    { checks: restoreChecks, absence: null },
    { checks: reopenedApplyChecks, absence: absence() },
    { checks: reopenedRestoreChecks, absence: absence() },
    { checks: stateLockChecks, absence: absence('lock') },
    { checks: stateCrashChecks, absence: absence('crash') },
    { checks: stateCrashPointChecks, absence: absence('crash', 'crash-points') },
    { checks: stateFaultChecks, absence: absence('faults') },
  ];
  return makeSuite(groups, () => StateMachineWorld.create(options));
}
