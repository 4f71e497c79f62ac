import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SeededRandom } from '../../../../src/testing/conformance/seeded-random.ts';
import {
  codec,
  history,
  historyApplied,
  historyState,
  machineIn,
  makeDirectory,
  openMachine,
  stateOf,
  take,
} from './state-kit.ts';

const child = fileURLToPath(new URL('state-child.ts', import.meta.url));

/** Runs a child until it ends, or `onLine` says to kill it. Resolves with all it said. */
async function runChild(args: readonly string[], onLine: (count: number) => 'kill' | 'go on'): Promise<string[]> {
  const { stdout, process: started } = start(process.execPath, [child, ...args]);
  const lines: string[] = [];
  for await (const line of createInterface({ input: stdout })) {
    lines.push(line);
    if (onLine(lines.length) === 'kill') started.kill('SIGKILL');
  }
  return lines;
}

function start(command: string, args: readonly string[]) {
  const started = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  return { process: started, stdout: started.stdout };
}

/** The greatest index after a word. */
function greatest(lines: readonly string[], word: string): number {
  const indexes = lines
    .filter((line) => line.startsWith(`${word} `))
    .map((line) => Number(line.slice(word.length + 1)));
  return Math.max(0, ...indexes);
}

/** The state must be that after some entry, exactly, and nothing may be left over. Resolves with its index. */
async function checkState(directory: string): Promise<number> {
  const machine = machineIn(directory);
  const applied = await machine.open(codec);
  const { index } = applied.lastApplied;
  assert.deepEqual(stateOf(machine), historyState(index));
  if (index > 0) assert.deepEqual(applied, historyApplied(index));
  await machine.close();
  assert.match(readdirSync(directory).sort().join(' '), /^LOCK state-\d+$/);
  return index;
}

describe('a state on disk after kill -9', () => {
  test('is exactly that after some entry, and holds everything that was said to be on the disk', async (context) => {
    const random = new SeededRandom(11);
    for (let chain = 0; chain < 4; chain++) {
      const directory = makeDirectory(context);
      let index = 0;
      for (let kill = 0; kill < 8; kill++) {
        const killAt = random.between(1, 60);
        const lines = await runChild(['work', directory, String(random.between(1, 1e9))], (count) =>
          count >= killAt ? 'kill' : 'go on',
        );
        assert.equal(
          lines.find((line) => line.startsWith('failed')),
          undefined,
        );
        assert.ok(lines.length >= killAt, `${lines.length} of ${killAt} lines`);
        const found = await checkState(directory);
        const [durable, applied] = [greatest(lines, 'durable'), greatest(lines, 'applied')];
        assert.ok(found >= Math.max(index, durable), `at ${found}, but ${index} and ${durable} were on the disk`);
        // What the child was about to say may be there, but no more than one call of apply.
        assert.ok(found <= Math.max(index, applied) + 100, `at ${found}, but only ${applied} was applied`);
        index = found;
      }
      assert.ok(index > 0, 'nothing was ever written');
    }
  });

  test('during a restore is the old one or the new one, at every step', async (context) => {
    const [template, scratch] = [makeDirectory(context), makeDirectory(context)];
    const source = await openMachine(context);
    await source.apply(history(1, 1501));
    const snapshot = join(scratch, 'snapshot');
    writeFileSync(snapshot, Buffer.concat((await take(source)).chunks));
    const old = machineIn(template);
    await old.open(codec);
    await old.apply(history(1, 201));
    await old.close();

    const outcomes: number[] = [];
    for (let step = 1; ; step++) {
      const directory = join(scratch, 'state');
      rmSync(directory, { recursive: true, force: true });
      cpSync(template, directory, { recursive: true });
      const lines = await runChild(['restore', directory, snapshot, String(step)], () => 'go on');
      const index = await checkState(directory);
      assert.ok(index === 200 || index === 1500, `at ${index} after step ${step}`);
      if (lines.some((line) => line.startsWith('restored'))) assert.equal(index, 1500, `after step ${step}`);
      outcomes.push(index);
      if (lines.some((line) => line.startsWith('closed'))) break;
    }
    // First the old one, then the new one; many steps of each.
    assert.deepEqual(
      outcomes,
      outcomes.toSorted((a, b) => a - b),
    );
    assert.ok(outcomes.filter((index) => index === 200).length > 15, outcomes.join());
    assert.ok(outcomes.filter((index) => index === 1500).length > 3, outcomes.join());
  });
});

describe('a state on a disk that is full', () => {
  test('fails the apply, keeps what was written, and goes on when there is room', async (context) => {
    const directory = makeDirectory(context);
    // The size of files stands in for that of the disk: writes beyond it fail.
    const limited = `ulimit -f 8000; exec "$0" "$@"`;
    const { stdout } = start('sh', ['-c', limited, process.execPath, child, 'fill', directory]);
    const lines: string[] = [];
    for await (const line of createInterface({ input: stdout })) lines.push(line);
    const failed = lines.find((line) => line.startsWith('failed '));
    assert.ok(failed !== undefined, lines.join('\n'));
    const { message, applied, rows } = JSON.parse(failed.slice('failed '.length));
    assert.match(message, /^StorageError: .*state-1: can't write the state/);
    // What was applied can still be read, though it is not all on the disk.
    assert.equal(rows, applied);
    assert.match(lines.at(-1) ?? '', /^closed StorageError: .*can't write the state/);

    const machine = await openMachine(context, directory);
    const { index } = machine.applied().lastApplied;
    assert.ok(index > 0 && index < applied, `${index} of ${applied} on the disk`);
    assert.equal(Object.keys(stateOf(machine)).length, index);
    await machine.apply(history(index + 1, index + 10));
    await (await machine.snapshot()).close();
  });
});
