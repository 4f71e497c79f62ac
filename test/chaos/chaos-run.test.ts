import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setInterval } from 'node:timers/promises';
import { markOf } from '../../chaos/cleanup/run-mark.ts';
import { leftoversOf } from '../../chaos/cleanup/sweep.ts';
import type { ChaosResult } from '../../chaos/report/result.ts';
import { ChaosCommand, withReports } from './chaos-command.ts';

const SMALL = ['--nodes', '3', '--clients', '4', '--rate', '100', '--seed', '1'];

/** All kinds, so that there are processes, namespaces, mounts and proxies, where they are possible. */
const LONG = [...SMALL, '--seconds', '120', '--nemesis', 'all'];

/** Resolves when nothing is left; the watcher of a run that was killed takes a moment. */
async function untilNothingIsLeft(mark: string): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  for await (const _ of setInterval(20)) {
    const left = leftoversOf(mark);
    if (left.length === 0) return;
    assert.ok(performance.now() < deadlineMs, `it left ${left.join(', ')}`);
  }
}

describe('a chaos run', { timeout: 240_000 }, () => {
  test('kills nodes for ten seconds and finds that nothing was lost', async () => {
    await withReports(async (reports) => {
      const command = new ChaosCommand([
        ...SMALL,
        '--seconds',
        '10',
        '--nemesis',
        'kill',
        '--json',
        '--report',
        reports,
      ]);
      const mark = markOf(command.pid);
      assert.equal(await command.ends(), 0, command.said);
      const result = JSON.parse(command.output) as ChaosResult;
      assert.equal(result.outcome, 'ok');
      assert.equal(result.check?.verdict, 'linearizable');
      assert.ok(result.faults.length > 0 && result.faults.every(({ what }) => what.startsWith('kill -9 node')));
      assert.ok(result.acknowledgedWrites > 50, `only ${result.acknowledgedWrites} writes`);
      assert.equal(result.replicas.length, 3);
      assert.equal(new Set(result.replicas.map(({ digest }) => digest)).size, 1);
      assert.ok(result.counts.ok > result.acknowledgedWrites);
      const [folder = ''] = await readdir(reports);
      for (const file of ['report.html', 'report.json', 'history.jsonl', 'node-1.log']) {
        assert.ok(existsSync(join(reports, folder, file)), file);
      }
      assert.deepEqual(leftoversOf(mark), []);
    });
  });

  test('leaves nothing behind when it is interrupted', async () => {
    await withReports(async (reports) => {
      const command = new ChaosCommand([...LONG, '--report', reports]);
      const mark = markOf(command.pid);
      await command.says('nodes serve');
      assert.ok(leftoversOf(mark).length > 4, 'there is something to leave behind');
      command.process.kill('SIGINT');
      assert.equal(await command.ends(), 130);
      assert.deepEqual(leftoversOf(mark), []);
    });
  });

  test('leaves nothing behind when it is ended while it is set up', async () => {
    await withReports(async (reports) => {
      const command = new ChaosCommand([...LONG, '--report', reports]);
      const mark = markOf(command.pid);
      await command.says('nemeses:');
      command.process.kill('SIGTERM');
      assert.equal(await command.ends(), 130);
      assert.deepEqual(leftoversOf(mark), []);
    });
  });

  test('leaves nothing behind when it is killed, not even a node that stands still', async () => {
    await withReports(async (reports) => {
      const options = [...SMALL, '--seconds', '60', '--nemesis', 'pause', '--report', reports];
      const command = new ChaosCommand(options);
      const mark = markOf(command.pid);
      await command.says('SIGSTOP');
      assert.ok(leftoversOf(mark).length > 4, 'there is something to leave behind');
      command.process.kill('SIGKILL');
      assert.equal(await command.ends(), null);
      await untilNothingIsLeft(mark);
      assert.deepEqual(leftoversOf(mark), []);
    });
  });

  test('says what is wrong with its options, and exits with 1', async () => {
    const command = new ChaosCommand(['--nemesis', 'meteor']);
    assert.equal(await command.ends(), 1);
    assert.match(command.said, /no such nemesis: 'meteor'.*\nnpm run chaos -- --help lists all options/);
  });

  test('prints the same schedule for the same seed', async () => {
    const plans = [1, 2].map(async () => {
      const command = new ChaosCommand(['--plan', '--seed', '77', '--seconds', '30']);
      assert.equal(await command.ends(), 0);
      return command.output;
    });
    const [one, two] = await Promise.all(plans);
    assert.equal(one, two);
    assert.ok((one ?? '').split('\n').length > 10);
  });
});
