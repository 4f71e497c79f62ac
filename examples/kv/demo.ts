/**
 * Three nodes of the key-value example as processes on loopback.
 *
 *   npm run demo                for a person: commands to copy, leadership as it changes, Ctrl-C to stop
 *   npm run demo -- --smoke     without one: exit code 0 when every acknowledged write is found everywhere
 *   npm run demo -- --data DIR  keeps the data there, and goes on with what is there
 *   npm run demo -- --memory    keeps everything in memory: killed nodes don't come back
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DemoCluster } from './demo/cluster.ts';
import { memorySmoke } from './demo/memory-smoke.ts';
import { smoke } from './demo/smoke.ts';
import { introduce, revive, watch } from './demo/watch.ts';

const { values } = parseArgs({
  options: {
    smoke: { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false },
    data: { type: 'string' },
  },
});
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const directory = values.memory ? null : await makeDirectory(values.data);
const cluster = new DemoCluster({ directory });
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
process.once('SIGTERM', () => interrupted.abort());

try {
  say(`starting three nodes, ${directory === null ? 'all in memory' : `data in ${directory}`} ...`);
  await cluster.form();
  if (values.smoke) await runSmoke();
  else {
    await introduce(cluster, directory, say);
    const reviving = directory === null ? null : revive(cluster, say, interrupted.signal);
    await Promise.all([watch(cluster, say, interrupted.signal), reviving]);
    say('stopping ...');
  }
} catch (error) {
  process.stderr.write(`the demo failed: ${String(error)}\n`);
  process.exitCode = 1;
} finally {
  await cluster.stop();
}
// What went wrong can be looked at; the data of a person is that person's.
if (values.smoke && values.data === undefined && directory !== null && process.exitCode === undefined) {
  await rm(directory, { recursive: true });
}

async function makeDirectory(wanted: string | undefined): Promise<string> {
  if (wanted === undefined) return await mkdtemp(join(tmpdir(), 'zlayer-demo-'));
  await mkdir(wanted, { recursive: true });
  return resolve(wanted);
}

async function runSmoke(): Promise<void> {
  const startedMs = performance.now();
  const differences = await (values.memory ? memorySmoke : smoke)(cluster, say);
  for (const difference of differences) say(`DIFFERS  ${difference}`);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  say(differences.length === 0 ? `ok: every acknowledged write is on every node (${seconds} s)` : 'failed');
  if (differences.length > 0) process.exitCode = 1;
}
