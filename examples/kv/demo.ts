/**
 * Three nodes of the key-value example as processes on loopback.
 *
 *   npm run demo              for a person: commands to copy, leadership as it changes, Ctrl-C to stop
 *   npm run demo -- --smoke   without one: exit code 0 when every acknowledged write is found everywhere
 */
import { parseArgs } from 'node:util';
import { DemoCluster } from './demo/cluster.ts';
import { smoke } from './demo/smoke.ts';
import { introduce, watch } from './demo/watch.ts';

const { values } = parseArgs({ options: { smoke: { type: 'boolean', default: false } } });
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const cluster = new DemoCluster();
const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());
process.once('SIGTERM', () => interrupted.abort());

try {
  say('starting three nodes ...');
  await cluster.form();
  if (values.smoke) await runSmoke();
  else {
    await introduce(cluster, say);
    await watch(cluster, say, interrupted.signal);
    say('stopping ...');
  }
} catch (error) {
  process.stderr.write(`the demo failed: ${String(error)}\n`);
  process.exitCode = 1;
} finally {
  await cluster.stop();
}

async function runSmoke(): Promise<void> {
  const startedMs = performance.now();
  const differences = await smoke(cluster, say);
  for (const difference of differences) say(`DIFFERS  ${difference}`);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  say(differences.length === 0 ? `ok: every acknowledged write is on every node (${seconds} s)` : 'failed');
  if (differences.length > 0) process.exitCode = 1;
}
