/** Runs one scenario in a process of its own and reports over the channel to the process that started it. */
import { findScenario } from './scenarios.ts';
import type { ScenarioReport, ScenarioSettings } from './support/scenario.ts';

const [name = '', repeats = '', speed = ''] = process.argv.slice(2);
const settings: ScenarioSettings = { repeats: Number(repeats), isQuick: speed === 'quick' };

// Nodes in memory hold nothing that keeps a process alive.
process.channel?.ref();

try {
  for await (const figure of findScenario(name).measure(settings)) await report({ type: 'figure', figure });
} catch (error) {
  await report({ type: 'failed', error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.exitCode = 1;
}
process.disconnect();

function report(message: ScenarioReport): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(message, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}
