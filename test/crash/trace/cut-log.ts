/** Lets the power fail at moments of a traced run of the log, and looks at what the log is then. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SeededRandom } from '../../../src/testing/conformance/seeded-random.ts';
import { logCrashes } from '../log/log-crashes.ts';
import type { DiskHonesty } from './power-cuts.ts';
import { TracedFile } from './power-cuts.ts';
import type { TracedCall } from './strace-reader.ts';
import type { TracedRun } from './traced-run.ts';
import { reportsUpTo } from './traced-run.ts';

export interface PowerCuts {
  readonly cuts: number;
  /** Writes that were acknowledged before a cut, summed over the cuts: all of them were there. */
  readonly acknowledged: number;
  /** What went wrong; empty when all is well. */
  readonly problems: readonly string[];
}

export interface PowerCutOptions extends DiskHonesty {
  readonly cuts: number;
  readonly seed: number;
}

const FILES = ['data.mdb', 'FORMAT'];

/** Each at a random line of the trace, with some of what was not durable there. */
export async function cutPower(run: TracedRun, { cuts, seed, isHonest }: PowerCutOptions): Promise<PowerCuts> {
  const random = new SeededRandom(seed);
  const place = mkdtempSync(join(tmpdir(), 'zlayer-power-'));
  const problems: string[] = [];
  let acknowledged = 0;
  try {
    for (let cut = 0; cut < cuts; cut += 1) {
      const line = random.between(0, run.lineCount);
      const directory = join(place, String(cut));
      mkdirSync(directory);
      for (const name of FILES) leave(run, { name, directory, line, isHonest }, random);
      try {
        const reports = reportsUpTo(run, line);
        const checked = await logCrashes.createChecker().check({ directory, seed: run.task.seed, reports });
        acknowledged += checked.acknowledged;
      } catch (error) {
        problems.push(`power cut at line ${line}: ${String(error).slice(0, 300)}`);
      }
      rmSync(directory, { recursive: true });
    }
  } finally {
    rmSync(place, { recursive: true });
  }
  return { cuts, acknowledged, problems };
}

interface LeftFile extends DiskHonesty {
  readonly name: string;
  readonly directory: string;
  readonly line: number;
}

function leave({ calls, task }: TracedRun, { name, directory, line, isHonest }: LeftFile, random: SeededRandom): void {
  const path = join(task.directory, name);
  if (!isNameThere(calls, path, line, random)) return;
  const content = new TracedFile(calls, path, { isHonest }).contentAfter(line, random);
  writeFileSync(join(directory, name), content);
}

/** A name is on the disk once its directory was synced; before that it may be. */
function isNameThere(calls: readonly TracedCall[], path: string, line: number, random: SeededRandom): boolean {
  const made = calls.find((call) => call.type === 'open' && call.path === path && call.mayCreate);
  if (made === undefined || made.beginLine > line) return false;
  const isSynced = calls.some(
    (call) =>
      call.type === 'sync' && call.path === dirname(path) && call.beginLine > made.endLine && call.endLine <= line,
  );
  return isSynced || random.chance(0.5);
}
