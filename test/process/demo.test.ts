import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';

const DEMO = 'examples/kv/demo.ts';

function startDemo(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, ['--conditions=zlayer-source', DEMO, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function readLines(demo: ChildProcess, until: (line: string) => boolean): Promise<string[]> {
  const lines: string[] = [];
  assert.ok(demo.stdout !== null);
  for await (const line of createInterface({ input: demo.stdout })) {
    lines.push(line);
    if (until(line)) break;
  }
  return lines;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('the smoke demo loses no acknowledged write when the leader is killed and replaced', {
  timeout: 60_000,
}, async () => {
  const demo = startDemo(['--smoke']);
  const exited = once(demo, 'exit');
  const lines = await readLines(demo, () => false);
  const [code] = await exited;
  assert.equal(code, 0, lines.join('\n'));
  assert.ok(lines.some((line) => /longest pause between two acknowledged writes was \d+ ms/.test(line)));
  assert.match(lines.at(-1) ?? '', /^ok: every acknowledged write is on every node/);
});

test('the demo names its nodes and three commands, and an interrupt ends all of its processes', {
  timeout: 60_000,
}, async () => {
  const demo = startDemo([]);
  const exited = once(demo, 'exit');
  const lines = await readLines(demo, (line) => line.includes('leads in term'));
  const pids = lines.flatMap((line) => /pid (\d+)/.exec(line)?.[1] ?? []).map(Number);
  assert.equal(pids.length, 3);
  for (const command of [/curl -X PUT http/, /curl http/, /kill -9 \d+/]) {
    assert.ok(
      lines.some((line) => command.test(line)),
      String(command),
    );
  }
  assert.deepEqual(pids.map(isRunning), [true, true, true]);
  demo.kill('SIGINT');
  demo.stdout?.resume();
  const [code] = await exited;
  assert.equal(code, 0);
  assert.deepEqual(pids.map(isRunning), [false, false, false]);
});
