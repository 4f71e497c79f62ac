import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { HistoryEvent } from 'zlayer-consensus/testing';
import { formatHistory } from 'zlayer-consensus/testing';
import { ownMark, workDirectory } from '../../chaos/cleanup/run-mark.ts';
import type { ClientInput, ClientOutput } from '../../chaos/client/operation.ts';
import type { CheckReport } from '../../chaos/report/result.ts';
import type { CheckCommands } from '../../chaos/run/check-process.ts';
import { Asker } from '../../chaos/support/channel.ts';
import { Launcher } from '../../chaos/support/launch.ts';
import { withReports } from './chaos-command.ts';

type Event = HistoryEvent<ClientInput, ClientOutput>;

/** A write that was acknowledged, then a read. */
function history(seen: number | null): readonly Event[] {
  return [
    { type: 'invoke', id: 0, at: 1, process: 'c1', input: { type: 'put', key: 'g0/a', value: 7 } },
    { type: 'ok', id: 0, at: 2, output: null },
    { type: 'invoke', id: 1, at: 3, process: 'final 1', input: { type: 'list', prefix: 'g0/' } },
    { type: 'ok', id: 1, at: 4, output: seen === null ? [] : [['g0/a', seen]] },
  ];
}

async function check(events: readonly Event[], directory: string): Promise<CheckReport> {
  const historyFile = join(directory, 'history.jsonl');
  writeFileSync(historyFile, formatHistory(events));
  const launcher = await Launcher.open(ownMark());
  const child = launcher.launch({ module: 'run/check-process.ts', logFile: join(directory, 'checker.log') });
  try {
    const violationFile = join(directory, 'violation.html');
    const given = { historyFile, violationFile, limitMs: 20_000 };
    return await new Asker<CheckCommands>(child).ask('check', given, 60_000);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
    await rm(workDirectory(ownMark()), { recursive: true, force: true });
  }
}

describe('the check of a history', { timeout: 120_000 }, () => {
  test('passes one in which the last reads see what was acknowledged', async () => {
    await withReports(async (directory) => {
      const { verdict, operations, violationFile } = await check(history(7), directory);
      assert.deepEqual(
        { verdict, operations, violationFile },
        { verdict: 'linearizable', operations: 2, violationFile: null },
      );
    });
  });

  test('finds a lost write, and draws it', async () => {
    await withReports(async (directory) => {
      const { verdict, violationFile } = await check(history(null), directory);
      assert.equal(verdict, 'violation');
      assert.ok(violationFile !== null && existsSync(violationFile));
      assert.match(readFileSync(violationFile, 'utf8'), /Chaos: not linearizable/);
    });
  });
});
