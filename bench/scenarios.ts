/** All scenarios, in the order they are run. */
import { durableRecovery } from './scenarios/durable-recovery.ts';
import { durableWrites } from './scenarios/durable-writes.ts';
import { failover } from './scenarios/failover.ts';
import { httpReads } from './scenarios/http-reads.ts';
import { httpRecovery } from './scenarios/http-recovery.ts';
import { httpWrites } from './scenarios/http-writes.ts';
import { memoryGrowth } from './scenarios/memory-growth.ts';
import { memoryReads } from './scenarios/memory-reads.ts';
import { memoryWrites } from './scenarios/memory-writes.ts';
import { recovery } from './scenarios/recovery.ts';
import { snapshotPause } from './scenarios/snapshot-pause.ts';
import type { Scenario } from './support/scenario.ts';

export const SCENARIOS: readonly Scenario[] = [
  memoryWrites,
  memoryReads,
  memoryGrowth,
  failover,
  recovery,
  snapshotPause,
  httpWrites,
  httpReads,
  httpRecovery,
  durableWrites,
  durableRecovery,
];

/** @throws RangeError naming the scenarios there are */
export function findScenario(name: string): Scenario {
  const scenario = SCENARIOS.find((candidate) => candidate.name === name);
  if (scenario !== undefined) return scenario;
  throw new RangeError(`no scenario '${name}'; there are ${SCENARIOS.map((known) => known.name).join(', ')}`);
}
