/** What a killed process must have left of a learner that takes snapshots. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { MemHub } from '../../../src/network/memory/index.ts';
import type { Checked, CrashChecker, CrashWorkload, KilledProcess } from '../support/crash-run.ts';
import type { KillTargets } from '../support/kill-point.ts';
import { startDurableNode, whenLeading } from './durable-node.ts';
import type { LedgerKind } from './ledger.ts';
import { LedgerAccount } from './ledger-account.ts';

const KILL_TARGETS: KillTargets = {
  opened: { weight: 1, occurrences: 1 },
  leading: { weight: 1, occurrences: 1 },
  matched: { weight: 3, occurrences: 20 },
  'caught up': { weight: 2, occurrences: 8 },
  'event snapshot-installed': { weight: 3, occurrences: 8 },
  'file open': { weight: 2, occurrences: 8 },
  'file write': { weight: 3, occurrences: 16 },
  'file sync': { weight: 3, occurrences: 8 },
  'file sync done': { weight: 3, occurrences: 8 },
  'file rename': { weight: 3, occurrences: 8 },
  // From here on the state is restored and the log is cut.
  'file rename done': { weight: 4, occurrences: 8 },
  'file sync-directory done': { weight: 6, occurrences: 12 },
  'file remove done': { weight: 2, occurrences: 6 },
};

export function installCrashes(kind: LedgerKind): CrashWorkload {
  return { name: `install-${kind}`, killTargets: KILL_TARGETS, createChecker: () => new InstallChecker(kind) };
}

/**
 * By itself the learner must still hold everything it told its leader that it holds; together they must come to the
 * same state, with every acknowledged proposal in it.
 */
class InstallChecker implements CrashChecker {
  readonly #kind: LedgerKind;
  readonly #account = new LedgerAccount();
  #matched = 0;

  constructor(kind: LedgerKind) {
    this.#kind = kind;
  }

  async check({ directory, reports }: KilledProcess): Promise<Checked> {
    this.#account.add(reports);
    for (const { name, number } of reports) if (name === 'matched') this.#matched = Math.max(this.#matched, number);
    const hub = new MemHub();
    const learner = await startDurableNode({ id: 2, directory: join(directory, 'learner'), kind: this.#kind, hub });
    try {
      const { lastLogIndex } = learner.node.metrics();
      assert.ok(lastLogIndex >= this.#matched, `the learner holds ${lastLogIndex}, but said ${this.#matched}`);
      const leader = await startDurableNode({ id: 1, directory: join(directory, 'leader'), kind: this.#kind, hub });
      try {
        if (!leader.node.isInitialized()) return this.#account.check(leader.rows());
        await whenLeading(leader.node);
        const checked = this.#account.check(leader.rows());
        if (!leader.node.learnerIds().includes(2)) return checked;
        await learner.node.wait().appliedIndexAtLeast(leader.node.metrics().committed.index);
        assert.deepEqual(learner.rows(), leader.rows());
        return checked;
      } finally {
        await leader.node.shutdown();
      }
    } finally {
      await learner.node.shutdown();
    }
  }
}
