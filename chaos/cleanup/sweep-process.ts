/**
 * Removes everything of one run: `sweep-process.ts MARK`. With `--wait` it does so when the process that started it is
 * gone, whatever ended that: so a run that was killed leaves nothing behind. It is not marked itself.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { leftoversOf, sweepRun } from './sweep.ts';

const [mark = '', wait] = process.argv.slice(2);

/** Something may have been in the making: it is there a moment later. */
const AGAIN_MS = 100;
const ROUNDS_MAX = 20;

async function sweepAll(): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    await sweepRun(mark);
    await delay(AGAIN_MS);
    if (leftoversOf(mark).length === 0) return;
  }
  process.exitCode = 1;
}

// Ctrl-C is for the run; it reaches all processes of a terminal.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
if (wait === '--wait') {
  await new Promise<void>((resolve) => process.once('disconnect', resolve));
}
await sweepAll();
process.exit();
