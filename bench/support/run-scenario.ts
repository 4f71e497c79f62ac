/** Starts the process of a scenario and collects what it reports. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Figure } from './figure.ts';
import type { Scenario, ScenarioReport, ScenarioSettings } from './scenario.ts';

const SCENARIO_PROCESS = fileURLToPath(new URL('../scenario-process.ts', import.meta.url));

export interface ScenarioOptions extends ScenarioSettings {
  /** For Node.js, in addition to those of this process. */
  readonly flags: readonly string[];
  readonly onFigure: (figure: Figure) => void;
}

export interface ScenarioOutcome {
  readonly figures: readonly Figure[];
  readonly seconds: number;
  /** Why not everything was measured; `null` when it was. */
  readonly error: string | null;
}

/** Resolves when the process has ended, also when the scenario failed. */
export async function runScenario({ name }: Scenario, options: ScenarioOptions): Promise<ScenarioOutcome> {
  const { repeats, isQuick, flags, onFigure } = options;
  const figures: Figure[] = [];
  let error: string | null = null;
  const startMs = performance.now();
  const child = fork(SCENARIO_PROCESS, [name, String(repeats), isQuick ? 'quick' : 'full'], {
    execArgv: [...process.execArgv, '--expose-gc', ...flags],
  });
  child.on('message', (report: ScenarioReport) => {
    if (report.type === 'figure') {
      figures.push(report.figure);
      onFigure(report.figure);
    } else error = report.error;
  });
  const status = await new Promise<string | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code === 0 ? null : `it ended with ${signal ?? `code ${code}`}`));
  });
  return { figures, seconds: (performance.now() - startMs) / 1000, error: error ?? status };
}
