/** Flips bits of a log's file, one at a time, and counts what becomes of it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '../../../src/testing/conformance/seeded-random.ts';
import type { FlipReport, FlipResult, FlipTask } from './flip-process.ts';
import { writeSampleLog } from './flip-process.ts';

/** Where a bit is. */
export type FlipArea = 'meta page' | 'tree page' | 'value or free page';

/** What became of one flip; `crashed`: the process died. */
export interface Flip {
  readonly bit: number;
  readonly area: FlipArea;
  readonly result: FlipResult | 'crashed';
  readonly message: string;
}

const PROGRAM = new URL('flip-process.ts', import.meta.url).pathname;
const PAGE_BYTES = 4096;
const BRANCH_OR_LEAF = 0x03;
const LONG_VALUE = 0x04;

/** As many flips in each of the areas. */
export async function runBitFlips(flipsPerArea: number, seed: number): Promise<readonly Flip[]> {
  const place = mkdtempSync(join(tmpdir(), 'zlayer-flips-'));
  try {
    const original = join(place, 'original');
    await writeSampleLog(original);
    const file = readFileSync(join(original, 'data.mdb'));
    const bits = pickBits(file, flipsPerArea, new SeededRandom(seed));
    const scratch = join(place, 'scratch');
    mkdirSync(scratch);
    return runAll({ original, scratch, bits }).map((flip) => ({ ...flip, area: areaOf(file, flip.bit) }));
  } finally {
    rmSync(place, { recursive: true });
  }
}

function pickBits(file: Buffer, perArea: number, random: SeededRandom): number[] {
  const left: Record<FlipArea, number> = { 'meta page': perArea, 'tree page': perArea, 'value or free page': perArea };
  const bits = new Set<number>();
  while (Object.values(left).some((count) => count > 0)) {
    // A meta page uses its first bytes only.
    const wantsMeta = left['meta page'] > 0;
    const byte = wantsMeta
      ? random.pick([0, PAGE_BYTES]) + random.between(0, 167)
      : random.between(0, file.byteLength - 1);
    const bit = byte * 8 + random.between(0, 7);
    const area = areaOf(file, bit);
    if (bits.has(bit) || left[area] === 0) continue;
    left[area] -= 1;
    bits.add(bit);
  }
  return [...bits];
}

/** By what the page says of itself; a value may look like a page. */
function areaOf(file: Buffer, bit: number): FlipArea {
  const page = Math.floor(bit / 8 / PAGE_BYTES);
  if (page < 2) return 'meta page';
  const start = page * PAGE_BYTES;
  const flags = file.readUInt16LE(start + 18);
  const isPage =
    file.readBigUInt64LE(start) === BigInt(page) && (flags & LONG_VALUE) === 0 && (flags & BRANCH_OR_LEAF) !== 0;
  return isPage ? 'tree page' : 'value or free page';
}

/** After a crash it goes on with the bit behind the one that it died of. */
function runAll(task: FlipTask): (FlipReport | { bit: number; result: 'crashed'; message: string })[] {
  const results: ReturnType<typeof runAll> = [];
  while (results.length < task.bits.length) {
    const bits = task.bits.slice(results.length);
    const { stdout, signal, status, stderr } = spawnSync(
      process.execPath,
      [
        '--conditions=zlayer-source',
        '--disable-warning=ExperimentalWarning',
        PROGRAM,
        JSON.stringify({ ...task, bits }),
      ],
      { encoding: 'utf8', maxBuffer: 2 ** 26 },
    );
    const lines = stdout.split('\n').filter((line) => line !== '');
    // A cast: that is what the program prints.
    results.push(...lines.map((line) => JSON.parse(line) as FlipReport));
    const bit = task.bits[results.length];
    if (bit !== undefined)
      results.push({ bit, result: 'crashed', message: `${signal ?? status}: ${stderr.slice(-500)}` });
  }
  return results;
}

/** By area and result. */
export function countFlips(flips: readonly Flip[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { area, result } of flips) counts.set(`${area}: ${result}`, (counts.get(`${area}: ${result}`) ?? 0) + 1);
  return new Map([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
