/** Carries out a schedule: each kind of fault in a lane of its own, all lanes at the same time. */
import { setTimeout as delay } from 'node:timers/promises';
import { monotonicMs } from '../support/monotonic.ts';
import type { FaultName, PlannedFault } from './fault.ts';
import { NEMESES } from './nemeses.ts';
import type { World } from './world.ts';

/** A fault that happened. Times are those of `monotonicMs`. */
export interface InflictedFault {
  readonly fault: PlannedFault;
  readonly what: string;
  readonly startMs: number;
  readonly endMs: number;
}

export interface FaultRunnerOptions {
  readonly schedule: readonly PlannedFault[];
  /** Its signal ends the run early: ongoing faults are ended, others not started. */
  readonly world: World;
  readonly say: (line: string) => void;
}

export interface FaultsRun {
  /** In order of their starts. */
  readonly faults: readonly InflictedFault[];
  /** The first failure that no nemesis expects: the harness is broken then, or a node did not come back. */
  readonly failure: unknown;
}

/** On a machine that is slow faults take longer than planned; the cluster is to recover between two of a kind all the same. */
const CALM_MS = 2000;

/**
 * Resolves when all lanes are at their end. A fault whose time has passed, because the one before it took long, starts
 * after a short pause. The first failure ends all lanes.
 */
export async function runFaults(options: FaultRunnerOptions): Promise<FaultsRun> {
  const startMs = monotonicMs();
  const lanes = new Set(options.schedule.map(({ nemesis }) => nemesis));
  const failed = new AbortController();
  const signal = AbortSignal.any([options.world.signal, failed.signal]);
  const inflicted: InflictedFault[] = [];
  const results = await Promise.allSettled(
    [...lanes].map(async (nemesis) => {
      try {
        await runLane({ ...options, world: { ...options.world, signal }, nemesis, startMs, inflicted });
      } catch (error) {
        failed.abort();
        throw error;
      }
    }),
  );
  const broken = results.find((result) => result.status === 'rejected');
  return { faults: inflicted.toSorted((a, b) => a.startMs - b.startMs), failure: broken?.reason ?? null };
}

interface Lane extends FaultRunnerOptions {
  readonly nemesis: FaultName;
  readonly startMs: number;
  readonly inflicted: InflictedFault[];
}

async function runLane(lane: Lane): Promise<void> {
  const { schedule, nemesis, startMs } = lane;
  const { signal } = lane.world;
  let earliestMs = startMs;
  for (const fault of schedule.filter((planned) => planned.nemesis === nemesis)) {
    await pauseFor(Math.max(startMs + fault.atMs, earliestMs) - monotonicMs(), signal);
    if (signal.aborted) return;
    await inflict(fault, lane);
    earliestMs = monotonicMs() + CALM_MS;
  }
}

async function inflict(fault: PlannedFault, { world, say, inflicted }: Lane): Promise<void> {
  const startMs = monotonicMs();
  const ongoing = await NEMESES[fault.nemesis](fault, world);
  if (ongoing === null) {
    say(`${fault.nemesis}: nobody to hit just now`);
    return;
  }
  say(`${fault.nemesis}: ${ongoing.what}`);
  try {
    await pauseFor(fault.holdMs, world.signal);
  } finally {
    await ongoing.end();
    inflicted.push({ fault, what: ongoing.what, startMs, endMs: monotonicMs() });
  }
  say(`${fault.nemesis}: over`);
}

async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return;
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
