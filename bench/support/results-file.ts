/** The results as a file for programs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { BenchArguments } from './arguments.ts';
import type { Figure } from './figure.ts';
import type { Machine } from './machine.ts';
import type { ScenarioOutcome } from './run-scenario.ts';
import type { Scenario } from './scenario.ts';
import { summarise } from './statistics.ts';
import { meetsFloor } from './table.ts';

export interface MeasuredScenario extends ScenarioOutcome {
  /** Cores that other programs kept busy when it began. */
  readonly busyCoresBefore: number;
}

export interface BenchResults {
  readonly machine: Machine;
  readonly startedAt: Date;
  readonly settings: Pick<BenchArguments, 'repeats' | 'isQuick'>;
  readonly scenarios: readonly (readonly [Scenario, MeasuredScenario])[];
}

/** Raised when a reader of the file would have to change. */
const FORMAT = 1;

export function writeResults(path: string, { startedAt, scenarios, ...rest }: BenchResults): void {
  const content = {
    format: FORMAT,
    ...rest,
    startedAt: startedAt.toISOString(),
    scenarios: scenarios.map(([{ name, title }, { figures, seconds, error, busyCoresBefore }]) => ({
      name,
      title,
      seconds: Math.round(seconds),
      error,
      busyCoresBefore,
      figures: figures.map(describeFigure),
    })),
  };
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`);
}

function describeFigure({ floor, ...figure }: Figure): object {
  const summary = summarise(figure.values);
  const isMet = floor === null ? null : meetsFloor(floor, summary.median);
  return { ...figure, ...summary, floor: floor === null ? null : { ...floor, isMet } };
}
