/**
 * A process that works on a state until it is killed. It says what it did, each as one line:
 *
 *   state-child.ts work <directory> <seed>                      for ever: `applied <index>`, `durable <index>`
 *   state-child.ts restore <directory> <snapshot file> <step>   dies at the step, or says `restored <steps>`
 *   state-child.ts fill <directory>                             until it fails: `applied <index>`, `failed <error>`
 */
import { readFileSync, writeSync } from 'node:fs';
import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { LMDB_STATE_CODEC_ID } from '../../../../src/storage/lmdb/state/snapshot-format.ts';
import { SeededRandom } from '../../../../src/testing/conformance/seeded-random.ts';
import { codec, entry, history, historyApplied, machineIn } from './state-kit.ts';

const [mode, directory = '', third = '', fourth = ''] = process.argv.slice(2);

/** At once, so that it is there although the process is killed the next moment. */
function say(line: string): void {
  writeSync(1, `${line}\n`);
}

async function work(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const machine = machineIn(directory);
  let { index } = (await machine.open(codec)).lastApplied;
  const save = async (): Promise<void> => {
    const view = await machine.snapshot();
    say(`durable ${view.applied.lastApplied.index}`);
    for await (const _ of view.chunks()) if (random.chance(0.3)) break;
    await view.close();
  };
  for (;;) {
    const toIndex = index + 1 + random.between(1, 100);
    await machine.apply(history(index + 1, toIndex));
    index = toIndex - 1;
    say(`applied ${index}`);
    const choice = random.next();
    if (choice < 0.2) await save();
    // Not waited for: applies go on while it is being written.
    else if (choice < 0.5) save().catch(fail);
    else await new Promise((resolve) => setImmediate(resolve));
  }
}

function fail(error: unknown): void {
  say(`failed ${String(error)}`);
  process.exit(1);
}

/** Counts everything that touches the disk, before and after, and the pieces of the snapshot. */
async function restore(file: string, dieAt: number): Promise<void> {
  let steps = 0;
  const step = (): void => {
    steps += 1;
    if (steps === dieAt) process.kill(process.pid, 'SIGKILL');
  };
  const machine = machineIn(directory);
  await machine.open(codec);
  const names = ['mkdir', 'open', 'readdir', 'rename', 'rm', 'statfs'] as const;
  for (const name of names) {
    // Casts, because the wrapper passes on whatever it gets.
    const inner = fsPromises[name] as (...args: unknown[]) => Promise<unknown>;
    const wrapped = async (...args: unknown[]): Promise<unknown> => {
      step();
      const result = await inner(...args);
      step();
      return result;
    };
    Object.assign(fsPromises, { [name]: wrapped });
  }
  syncBuiltinESMExports();
  const bytes = readFileSync(file);
  async function* chunks(): AsyncGenerator<Uint8Array, void> {
    for (let start = 0; start < bytes.length; start += 16_384) {
      step();
      yield bytes.subarray(start, start + 16_384);
    }
    step();
  }
  const { lastApplied, lastTimeMs, membership } = historyApplied(1500);
  await machine.restore({ id: 'a', lastLogId: lastApplied, lastTimeMs, membership }, LMDB_STATE_CODEC_ID, chunks());
  say(`restored ${steps}`);
  await machine.close();
  say(`closed ${steps}`);
}

async function fill(): Promise<void> {
  const machine = machineIn(directory);
  let { index } = (await machine.open(codec)).lastApplied;
  try {
    for (;;) {
      index += 1;
      await machine.apply([entry(index, { set: { [`key ${index}`]: 'x'.repeat(1000) } })]);
      if (index % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (error) {
    const { lastApplied } = machine.applied();
    const rows = machine.read((transaction) => [...transaction.table('pairs').range()].length);
    say(`failed ${JSON.stringify({ message: String(error), applied: lastApplied.index, rows })}`);
    await machine.close().catch((closing: unknown) => say(`closed ${String(closing)}`));
  }
}

if (mode === 'work') await work(Number(third));
if (mode === 'restore') await restore(third, Number(fourth));
if (mode === 'fill') await fill();
