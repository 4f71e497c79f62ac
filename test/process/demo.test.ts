import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

async function runToTheEnd(args: readonly string[]): Promise<{ readonly code: unknown; readonly lines: string[] }> {
  const demo = startDemo(args);
  const exited = once(demo, 'exit');
  const lines = await readLines(demo, () => false);
  const [code] = await exited;
  return { code, lines };
}

/** Interrupts the demo as Ctrl-C does. */
async function interrupt(demo: ChildProcess): Promise<void> {
  const exited = once(demo, 'exit');
  demo.kill('SIGINT');
  demo.stdout?.resume();
  const [code] = await exited;
  assert.equal(code, 0);
}

test('the smoke demo loses no acknowledged write when nodes are killed in turn, then all at once, and come back', {
  timeout: 120_000,
}, async () => {
  const { code, lines } = await runToTheEnd(['--smoke']);
  assert.equal(code, 0, lines.join('\n'));
  const [directory = ''] = /(?<=data in )\S+/.exec(lines[0] ?? '') ?? [];
  assert.equal(lines.filter((line) => line.startsWith('kill -9 node')).length, 3);
  assert.equal(lines.filter((line) => /^node \d is back with its data/.test(line)).length, 3);
  assert.ok(lines.some((line) => line.startsWith('kill -9 all three nodes at once')));
  assert.match(lines.at(-2) ?? '', /^reading all 10000 keys/);
  assert.match(lines.at(-1) ?? '', /^ok: every acknowledged write is on every node/);
  assert.ok(directory !== '' && !existsSync(directory), 'what it wrote is removed');
});

test('the smoke demo in memory loses no acknowledged write when the leader is killed and replaced', {
  timeout: 60_000,
}, async () => {
  const { code, lines } = await runToTheEnd(['--smoke', '--memory']);
  assert.equal(code, 0, lines.join('\n'));
  assert.ok(lines.some((line) => /longest pause between two acknowledged writes was \d+ ms/.test(line)));
  assert.match(lines.at(-1) ?? '', /^ok: every acknowledged write is on every node/);
});

test('the demo names its nodes and three commands; an interrupt ends its processes, and its data starts them again', {
  timeout: 60_000,
}, async () => {
  const data = await mkdtemp(join(tmpdir(), 'zlayer-demo-test-'));
  const demo = startDemo(['--data', data]);
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
  const [url = ''] = /http:\S+/.exec(lines.find((line) => line.includes('curl -X PUT')) ?? '') ?? [];
  await fetch(url, { method: 'PUT', body: '"world"' });
  await interrupt(demo);
  assert.deepEqual(pids.map(isRunning), [false, false, false]);

  const again = startDemo(['--data', data]);
  await readLines(again, (line) => line.includes('leads in term'));
  const answer = (await (await fetch(url)).json()) as { readonly value: unknown };
  assert.equal(answer.value, 'world');
  await interrupt(again);
  await rm(data, { recursive: true });
});

test('a node of the demo that is killed comes back with its data', { timeout: 60_000 }, async () => {
  const demo = startDemo([]);
  const lines = await readLines(demo, (line) => line.includes('leads in term'));
  const [directory = ''] = /(?<=data in )\S+/.exec(lines[0] ?? '') ?? [];
  const pid = Number(/pid (\d+)/.exec(lines.find((line) => line.includes('leader')) ?? '')?.[1]);
  process.kill(pid, 'SIGKILL');
  const later = await readLines(demo, (line) => line.includes('is back with its data'));
  assert.match(later.at(-1) ?? '', /node \d is back with its data, pid \d+/);
  await interrupt(demo);
  await rm(directory, { recursive: true });
});
