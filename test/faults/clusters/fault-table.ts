/** All faults, and how what came of them is shown. */
import type { FaultRow, FaultScenario } from './fault-scenario.ts';
import { LOG_SCENARIOS } from './log-scenarios.ts';
import { SNAPSHOT_SCENARIOS } from './snapshot-scenarios.ts';

export const FAULT_SCENARIOS: readonly FaultScenario[] = [...LOG_SCENARIOS, ...SNAPSHOT_SCENARIOS];

export function fieldsOf({ fault, role, did, repair, acknowledged, lost }: FaultRow): readonly string[] {
  const repairs: Readonly<Record<string, string>> = { none: '-', restart: 'restart', replace: 'remove and add as new' };
  return [fault, role, did, repairs[repair] ?? repair, String(acknowledged), lost === 0 ? 'nothing' : String(lost)];
}
