/** Kills processes over one directory, one after the other, and looks at what each left. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '../../../src/testing/conformance/seeded-random.ts';
import type { KillPoint, KillTargets } from './kill-point.ts';
import { describeKillPoint, pickKillPoint } from './kill-point.ts';
import type { Report } from './victim.ts';
import { makeCompileCache, runVictim } from './victim.ts';

/** Knows what a directory must hold, from one process to the next. */
export interface CrashChecker {
  /**
   * Opens what a killed process left, and compares it with what that process reported.
   * @throws AssertionError when something is lost, out of order or invented
   */
  check(killed: KilledProcess): Promise<Checked>;
}

export interface KilledProcess {
  readonly directory: string;
  /** What the process made its choices by. */
  readonly seed: number;
  readonly reports: readonly Report[];
}

/** What one check compared. */
export interface Checked {
  /** What the process was told is safe: all of it was there. */
  readonly acknowledged: number;
  /** What was under way and is there, although nobody was told. */
  readonly unacknowledged: number;
}

export interface CrashWorkload {
  /** As `workload.ts` knows it. */
  readonly name: string;
  readonly killTargets: KillTargets;
  createChecker(): CrashChecker;
}

export interface CrashTotals extends Checked {
  readonly points: number;
  /** By the report that the kill followed. */
  readonly pointsByName: ReadonlyMap<string, number>;
}

export interface CrashRunOptions {
  readonly workload: CrashWorkload;
  /** The first of the seeds: one for each directory. */
  readonly fromSeed: number;
  readonly points: number;
  /** Kill within this part of what each process would do: less makes a quicker run. Default 1. */
  readonly reach?: number;
  readonly onPoint?: (killPoint: KillPoint, checked: Checked) => void;
}

/** So many processes follow each other over one directory. */
const POINTS_PER_DIRECTORY = 5;

/** Processes that run at a time. */
const LANES = 2;

/** @throws Error that tells the seed and keeps the directory */
export async function runCrashPoints(options: CrashRunOptions): Promise<CrashTotals> {
  const { workload, fromSeed, points, reach = 1, onPoint } = options;
  const targets = within(workload.killTargets, reach);
  const totals = { points: 0, acknowledged: 0, unacknowledged: 0, pointsByName: new Map<string, number>() };
  const add = (killPoint: KillPoint, checked: Checked): void => {
    totals.points += 1;
    totals.acknowledged += checked.acknowledged;
    totals.unacknowledged += checked.unacknowledged;
    totals.pointsByName.set(killPoint.name, (totals.pointsByName.get(killPoint.name) ?? 0) + 1);
    onPoint?.(killPoint, checked);
  };
  const compileCache = mkdtempSync(join(tmpdir(), 'zlayer-crash-compiled-'));
  makeCompileCache(compileCache);
  let nextSeed = fromSeed;
  let left = points;
  const runLane = async (): Promise<void> => {
    while (left > 0) {
      const count = Math.min(POINTS_PER_DIRECTORY, left);
      const seed = nextSeed;
      left -= count;
      nextSeed += 1;
      try {
        await runDirectory({ workload, targets, seed, count, compileCache }, add);
      } catch (error) {
        left = 0;
        throw error;
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: LANES }, runLane));
  } finally {
    rmSync(compileCache, { recursive: true });
  }
  return totals;
}

function within(targets: KillTargets, reach: number): KillTargets {
  return Object.fromEntries(
    Object.entries(targets).map(([name, { weight, occurrences }]) => [
      name,
      { weight, occurrences: Math.ceil(occurrences * reach) },
    ]),
  );
}

interface DirectoryRun {
  readonly workload: CrashWorkload;
  readonly targets: KillTargets;
  readonly seed: number;
  readonly count: number;
  readonly compileCache: string;
}

async function runDirectory(
  { workload, targets, seed, count, compileCache }: DirectoryRun,
  onPoint: (killPoint: KillPoint, checked: Checked) => void,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), `zlayer-crash-${workload.name}-`));
  const random = new SeededRandom(seed);
  const checker = workload.createChecker();
  for (let point = 1; point <= count; point += 1) {
    const killPoint = pickKillPoint(random, targets);
    const taskSeed = random.between(1, 2 ** 31);
    let reports: readonly Report[] = [];
    try {
      reports = await runVictim({ workload: workload.name, directory, seed: taskSeed, killPoint }, compileCache);
      onPoint(killPoint, await checker.check({ directory, seed: taskSeed, reports }));
    } catch (error) {
      const last = reports.slice(-10).map(({ name, number }) => `${name} ${number}`);
      throw new Error(
        `${workload.name}, seed ${seed}, process ${point}, killed ${describeKillPoint(killPoint)}; the last reports were ` +
          `${last.join(', ')}; see ${directory}; try again: ` +
          `npx node scripts/crash-points.ts --workload ${workload.name} --points ${POINTS_PER_DIRECTORY} --from-seed ${seed}`,
        { cause: error },
      );
    }
  }
  rmSync(directory, { recursive: true });
}
