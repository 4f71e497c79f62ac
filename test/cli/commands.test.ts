import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { Interruption, runCli } from '../../src/cli/run-cli.ts';
import { addressOf, compact, contentOf, Ground, write } from '../storage/lmdb/offline/durable-cluster.ts';
import type { FakeTerminal, FakeTerminalOptions } from './fake-terminal.ts';
import { fakeTerminal } from './fake-terminal.ts';
import { runProgram } from './program.ts';

interface Result {
  readonly code: number;
  readonly terminal: FakeTerminal;
}

/** In this process. */
async function run(args: readonly string[], options: FakeTerminalOptions = {}): Promise<Result> {
  const terminal = fakeTerminal(options);
  const code = await runCli(args, { terminal, signal: new AbortController().signal });
  return { code, terminal };
}

async function prepareStopped(ground: Ground): Promise<string> {
  const running = await ground.single(10);
  await compact(running.node);
  await write(running.node, 5);
  await ground.stop(running);
  return ground.directory(1);
}

describe('inspect', () => {
  test('shows a running node in another process, as text and as JSON', async (t) => {
    const ground = await Ground.prepare(t);
    const { node } = await ground.single(12);
    const { instanceId, clusterId } = node.metrics();
    const { code, stdout, stderr } = await runProgram(['inspect', ground.directory(1), '--payloads']);
    assert.deepEqual([code, stderr], [0, '']);
    for (const part of [
      `${ground.directory(1)} (in use: it may look different by now)`,
      `  cluster  'test', id ${clusterId}`,
      'Log: 14 entries, appended in 14 groups',
      '  committed  1:14',
      `  1   voter  n1:1     ${instanceId}`,
      'Snapshots: none',
      'Entries 5 to 14 (of 1 to 14: --from, --to, --limit)',
      "{ key: 'k', value: 12 }",
    ]) {
      assert.ok(stdout.includes(part), `${part}\n${stdout}`);
    }
    const json = JSON.parse((await runProgram(['inspect', ground.directory(1), '--json', '--limit', '1'])).stdout);
    assert.deepEqual([json.identity.instanceId, json.isInUse, json.entries.length], [instanceId, true, 1]);
    assert.deepEqual(json.membership.effective.membership.nodes, [
      { id: 1, addr: addressOf(1), instanceId, metadata: null },
    ]);
    assert.equal('payload' in json.entries[0], false);
  });

  test('shows membership entries, and payloads as values, text or bytes', async (t) => {
    const ground = await Ground.prepare(t);
    const directory = await prepareStopped(ground);
    const { terminal } = await run(['inspect', directory, '--from', '13', '--to', '14', '--payloads', '--json']);
    const { entries, snapshots } = JSON.parse(terminal.output());
    assert.deepEqual(
      entries.map((entry: { logId: { index: number } }) => entry.logId.index),
      [13, 14],
    );
    assert.match(entries[0].payload, /^01[0-9a-f]+$/);
    assert.equal(entries[0].text, "{ key: 'k', value: 1 }");
    assert.equal(snapshots[0].snapshot.meta.lastLogId.index, 12);
  });

  test('shows and checks a backup', async (t) => {
    const ground = await Ground.prepare(t);
    const [directory, file] = [await prepareStopped(ground), ground.at('backup')];
    await run(['backup', directory, '--to', file]);
    for (const args of [
      ['inspect', file],
      ['verify', file],
      ['backup', '--verify', file],
    ]) {
      const { code, terminal } = await run(args);
      assert.equal(code, 0, terminal.errors());
      assert.match(terminal.output(), /sound\n.*last entry {2}1:17\n.*snapshot {4}1:12.*Members at 0:1/s);
    }
    assert.equal((await run(['inspect', file, '--from', '3'])).code, 64);
    const bytes = await readFile(file);
    await writeFile(file, bytes.subarray(0, -3));
    const { code, terminal } = await run(['verify', file]);
    assert.equal(code, 2);
    assert.match(terminal.errors(), /is damaged at byte/);
  });
});

describe('verify', () => {
  test('tells soundness with 0, damage with 2 and a list', async (t) => {
    const ground = await Ground.prepare(t);
    const directory = await prepareStopped(ground);
    const sound = await runProgram(['verify', directory]);
    assert.deepEqual(sound, {
      code: 0,
      signal: null,
      stdout: `${directory} is sound\nsound: 5 entries, 1 snapshot\n`,
      stderr: '',
    });
    await ground.removeSnapshots(directory);
    const damaged = await runProgram(['verify', directory]);
    assert.equal(damaged.code, 2);
    assert.match(damaged.stdout, /is DAMAGED\n.*\nDAMAGE {2}.*\/log, index 1: missing: entries 1 to 12/);
    const json = JSON.parse((await runProgram(['verify', directory, '--json'])).stdout);
    assert.deepEqual([json.isSound, json.findings[0].index], [false, 1]);
  });
});

describe('backup and restore', () => {
  test('say what they did, or would do', async (t) => {
    const ground = await Ground.prepare(t);
    const [directory, file, restored] = [await prepareStopped(ground), ground.at('backup'), ground.at('restored')];
    const restore = ['restore', file, '--to', restored, '--node-id', '4', '--address', 'd:1'];
    const dryBackup = await run(['backup', directory, '--to', file, '--dry-run']);
    assert.match(dryBackup.terminal.output(), /^Would write .*backup, about \d/);
    assert.deepEqual(await readdir(ground.path), ['node-1']);
    const made = await runProgram(['backup', directory, '--to', file, '--json']);
    assert.equal(JSON.parse(made.stdout).header.lastLogId.index, 17);
    assert.match((await run([...restore, '--dry-run'])).terminal.output(), /^Would make .*with a new id/s);
    assert.deepEqual((await readdir(ground.path)).sort(), ['backup', 'node-1']);
    const { code, stdout } = await runProgram(restore);
    assert.equal(code, 0);
    assert.match(stdout, /^Made .*restored\n {2}node .* 4 at d:1, the only voter\n.*Start node 4/s);
    const { terminal } = await run(['inspect', restored]);
    assert.match(terminal.output(), /Members since 2:18, committed\n.*\n {2}4 {3}voter {2}d:1 /);
    assert.equal((await run(restore)).code, 1);
  });

  test('an interrupted backup leaves no file', async (t) => {
    const ground = await Ground.prepare(t);
    const { node } = await ground.single(1);
    // Enough for progress to be shown.
    for (let i = 0; i < 40; i++) await node.raft.clientWrite({ key: 'x'.repeat(1024 * 1024), value: i });
    const directory = ground.directory(1);
    const controller = new AbortController();
    const terminal = fakeTerminal({ isErrorTty: true, onError: () => controller.abort(new Interruption('SIGINT')) });
    await node.raft.trigger().snapshot();
    for (let i = 0; i < 40; i++) await node.raft.clientWrite({ key: String(i).repeat(1024 * 1024), value: i });
    await node.raft.trigger().snapshot();
    const code = await runCli(['backup', directory, '--to', ground.at('backup')], {
      terminal,
      signal: controller.signal,
    });
    assert.equal(code, 130);
    assert.match(terminal.errors(), /snapshot: \d+ % of \d.*interrupted by SIGINT/s);
    assert.deepEqual(await readdir(ground.path), ['node-1']);

    // A signal may come too late; what is there then is whole.
    const outcome = await runProgram(['backup', directory, '--to', ground.at('backup')], (child) => {
      child.stderr.once('data', () => child.kill('SIGINT'));
    });
    const names = (await readdir(ground.path)).sort();
    assert.deepEqual([outcome.code, names], outcome.code === 130 ? [130, ['node-1']] : [0, ['backup', 'node-1']]);
  });

  test('an interruption by SIGTERM is told apart', async (t) => {
    const ground = await Ground.prepare(t);
    const directory = await prepareStopped(ground);
    const terminal = fakeTerminal();
    const signal = AbortSignal.abort(new Interruption('SIGTERM'));
    assert.equal(await runCli(['verify', directory, '--json'], { terminal, signal }), 143);
    assert.match(JSON.parse(terminal.output()).error.message, /SIGTERM/);
  });
});

describe('recover-quorum', () => {
  test('asks for the name of the cluster, and takes no other word for it', async (t) => {
    const ground = await Ground.prepare(t);
    const all = await ground.three();
    await write(all[0].node, 5);
    for (const running of all) await ground.stop(running);
    const directory = ground.directory(2);
    const command = ['recover-quorum', directory, '--node-id', '2'];
    const before = await contentOf(directory);
    const dry = await runProgram([...command, '--dry-run']);
    assert.equal(dry.code, 0);
    assert.match(dry.stdout, /^Would make node 2 .*a new one\n\n- Lost: writes that nodes 1 and 3 acknowledged/s);
    assert.equal((await runProgram(command)).code, 64);
    const declined = await run(command, { answer: 'yes' });
    assert.equal(declined.code, 1);
    assert.match(declined.terminal.errors(), /^Would make node 2 .*Type the name of the cluster, test, to go on: $/s);
    assert.match(declined.terminal.output(), /^Nothing was changed/);
    assert.deepEqual(await contentOf(directory), before);
    const done = await run([...command, '--json'], { answer: ' test ' });
    const { outcome, plan } = JSON.parse(done.terminal.output());
    assert.deepEqual([done.code, outcome, plan.after.membership.configs], [0, 'done', [[2]]]);
    const { terminal } = await run(['inspect', directory]);
    assert.match(terminal.output(), /recovered {2}\d+.* from cluster id .*voter {2}n2:1/s);
  });

  test('needs no answer with --yes, and refuses a running node', async (t) => {
    const ground = await Ground.prepare(t);
    const all = await ground.three();
    const command = ['recover-quorum', ground.directory(1), '--node-id', '1', '--yes', '--address', 'new:1'];
    const refused = await runProgram(command);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /is in use by another process/);
    for (const running of all) await ground.stop(running);
    const { code, stdout } = await runProgram(command);
    assert.equal(code, 0);
    assert.match(stdout, /^Made node 1 .*address {5}n1:1 {5}new:1/s);
  });
});
