/** Checks a history, in a process of its own: it may take all of a core and much memory, and may be killed. */
import { readFileSync, writeFileSync } from 'node:fs';
import {
  checkLinearizability,
  keyValueModel,
  operationsOf,
  parseHistory,
  renderTimeline,
} from 'zlayer-consensus/testing';
import type { ClientInput, ClientOutput } from '../client/operation.ts';
import type { CheckReport } from '../report/result.ts';
import { answerCommands } from '../support/channel.ts';
import { monotonicMs } from '../support/monotonic.ts';

export type CheckCommands = {
  readonly check: {
    readonly given: { readonly historyFile: string; readonly violationFile: string; readonly limitMs: number };
    readonly answer: CheckReport;
  };
};

answerCommands<CheckCommands>({
  async check({ historyFile, violationFile, limitMs }) {
    const events = parseHistory<ClientInput, ClientOutput>(readFileSync(historyFile, 'utf8'));
    const startMs = monotonicMs();
    const result = checkLinearizability(operationsOf(events), keyValueModel(), {
      isOverdue: () => monotonicMs() - startMs > limitMs,
    });
    const seconds = (monotonicMs() - startMs) / 1000;
    const { operations, partitions, steps } = result.statistics;
    const report = { operations, partitions, steps, seconds };
    if (result.verdict !== 'violation') {
      const reason = result.verdict === 'undecided' ? result.reason : null;
      return { ...report, verdict: result.verdict, reason, violationFile: null };
    }
    writeFileSync(violationFile, renderTimeline(result.violation, { title: 'Chaos: not linearizable' }));
    return { ...report, verdict: 'violation', reason: result.violation.partition, violationFile };
  },
});
