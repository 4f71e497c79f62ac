/** What a killed process must have left of a log. */
import assert from 'node:assert/strict';
import type { LogModel } from '../../../src/testing/conformance/log-model.ts';
import { describeFound } from '../../../src/testing/conformance/log-model.ts';
import type { Checked, CrashChecker, CrashWorkload, KilledProcess } from '../support/crash-run.ts';
import type { KillTargets } from '../support/kill-point.ts';
import type { Report } from '../support/victim.ts';
import { LAZY_WRITE, LogPlan } from './log-plan.ts';
import { asModel, openLog, readLog } from './opened-log.ts';

const KILL_TARGETS: KillTargets = {
  opening: { weight: 1, occurrences: 1 },
  opened: { weight: 1, occurrences: 1 },
  'call append': { weight: 5, occurrences: 900 },
  'done append': { weight: 3, occurrences: 900 },
  'call truncate': { weight: 4, occurrences: 60 },
  'done truncate': { weight: 3, occurrences: 60 },
  'call purge': { weight: 4, occurrences: 60 },
  // What was purged is removed after the promise, step by step.
  'done purge': { weight: 6, occurrences: 60 },
  'call save-hard-state': { weight: 3, occurrences: 60 },
  'done save-hard-state': { weight: 2, occurrences: 60 },
  'call save-identity': { weight: 1, occurrences: 10 },
};

export const logCrashes: CrashWorkload = {
  name: 'log',
  killTargets: KILL_TARGETS,
  createChecker: () => new LogChecker(),
};

/**
 * The log must be what a prefix of the writes makes of it, and the prefix must hold every write that was acknowledged:
 * then nothing is lost, out of order or invented, and neither hard state nor purged position went back.
 */
class LogChecker implements CrashChecker {
  #model: LogModel | null = null;
  #instanceId: string | null = null;

  async check({ directory, seed, reports }: KilledProcess): Promise<Checked> {
    const opened = await openLog(directory);
    try {
      const found = await readLog(opened);
      const { instanceId } = found.state.identity;
      assert.equal(instanceId, this.#instanceId ?? instanceId, 'the store has another identity than before');
      const { calledCount, doneCount } = countWrites(reports);
      const possible = this.#modelsBetween(seed, doneCount, calledCount);
      const position = possible.findIndex((model) => model.matches(found));
      assert.notEqual(
        position,
        -1,
        `${doneCount} of ${calledCount} writes were acknowledged. Found: ${describeFound(found)}. Expected: ${possible[0]?.describe()}, or up to: ${possible.at(-1)?.describe()}`,
      );
      this.#instanceId = instanceId;
      this.#model = asModel(found);
      return { acknowledged: doneCount, unacknowledged: position };
    } finally {
      await opened.store.close();
    }
  }

  /** What the log may be: after the first `doneCount` writes, or one more, and so on up to `calledCount`. */
  #modelsBetween(seed: number, doneCount: number, calledCount: number): LogModel[] {
    const plan = new LogPlan(seed);
    let model = this.#model ?? emptyModel();
    const models: LogModel[] = [];
    for (let count = 0; count <= calledCount; count += 1) {
      if (count >= doneCount) models.push(model);
      if (count < calledCount) model = model.after(plan.next(model));
    }
    return models;
  }
}

function emptyModel(): LogModel {
  const none = { term: 0, index: 0 };
  const identity = { nodeId: 7, instanceId: '', clusterId: null, clusterName: 'crash' };
  const hardState = { term: 0, votedFor: null };
  return asModel({ state: { identity, hardState, committed: none, lastPurged: none, lastLogId: none }, entries: [] });
}

/** How many writes were called, and up to which they were acknowledged: promises resolve in the order of the calls. */
function countWrites(reports: readonly Report[]): { readonly calledCount: number; readonly doneCount: number } {
  const called = reports.filter(({ name }) => name.startsWith('call '));
  const done = reports.filter(({ name }) => name.startsWith('done ')).map(({ number }) => number);
  const awaited = called.filter(({ name }) => name !== `call ${LAZY_WRITE}`).map(({ number }) => number);
  assert.deepEqual(done, awaited.slice(0, done.length), 'promises resolved out of order');
  return { calledCount: called.length, doneCount: (done.at(-1) ?? -1) + 1 };
}
