/** What a killed process must have left of a node. */
import { MemHub } from '../../../src/network/memory/index.ts';
import type { Checked, CrashChecker, CrashWorkload, KilledProcess } from '../support/crash-run.ts';
import type { KillTargets } from '../support/kill-point.ts';
import { startDurableNode, whenLeading } from './durable-node.ts';
import type { LedgerKind } from './ledger.ts';
import { LedgerAccount } from './ledger-account.ts';

const KILL_TARGETS: KillTargets = {
  opening: { weight: 1, occurrences: 1 },
  opened: { weight: 2, occurrences: 1 },
  leading: { weight: 1, occurrences: 1 },
  'call propose': { weight: 4, occurrences: 400 },
  'done propose': { weight: 4, occurrences: 400 },
  'event snapshot-built': { weight: 3, occurrences: 8 },
  'event log-purged': { weight: 4, occurrences: 8 },
  'file open': { weight: 1, occurrences: 8 },
  'file write': { weight: 1, occurrences: 16 },
  'file sync': { weight: 2, occurrences: 8 },
  'file rename': { weight: 2, occurrences: 8 },
  'file rename done': { weight: 2, occurrences: 8 },
  'file sync-directory done': { weight: 2, occurrences: 8 },
  'file remove': { weight: 2, occurrences: 6 },
};

export function nodeCrashes(kind: LedgerKind): CrashWorkload {
  return { name: `node-${kind}`, killTargets: KILL_TARGETS, createChecker: () => new NodeChecker(kind) };
}

/** Every acknowledged proposal must be in the state that the node comes back with, once, in order, as it was proposed. */
class NodeChecker implements CrashChecker {
  readonly #kind: LedgerKind;
  readonly #account = new LedgerAccount();

  constructor(kind: LedgerKind) {
    this.#kind = kind;
  }

  async check({ directory, reports }: KilledProcess): Promise<Checked> {
    this.#account.add(reports);
    const { node, rows } = await startDurableNode({ id: 1, directory, kind: this.#kind, hub: new MemHub() });
    try {
      if (node.isInitialized()) await whenLeading(node);
      return this.#account.check(rows());
    } finally {
      await node.shutdown();
    }
  }
}
