/**
 * Flips bits of a log's file, one at a time, opens, reads and writes the log, and counts what became of it:
 * `npx node scripts/bit-flips.ts --flips 300 --seed 1`, so many flips in meta pages, tree pages and values each.
 * Exit code 1 when a flip was neither harmless nor noticed.
 */
import { parseArgs } from 'node:util';
import { countFlips, runBitFlips } from '../test/faults/lmdb/bit-flips.ts';

const { values } = parseArgs({
  options: { flips: { type: 'string', default: '300' }, seed: { type: 'string', default: '1' } },
});

const flips = await runBitFlips(Number(values.flips), Number(values.seed));
for (const [name, count] of countFlips(flips)) console.log(`${String(count).padStart(6)}  ${name}`);
for (const { bit, area, result, message } of flips) {
  if (result === 'harmless' || result === 'detected') continue;
  console.log(`${area}, byte ${bit >> 3}, bit ${bit & 7}: ${result} ${message}`);
}
process.exitCode = flips.some(({ result }) => result === 'wrong') ? 1 : 0;
