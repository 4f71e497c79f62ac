/**
 * A leader and a learner, both durable: the learner is cut off again and again, so that it must take a snapshot, until
 * the process is killed.
 */
import { join } from 'node:path';
import { MemHub } from '../../../src/network/memory/index.ts';
import { SeededRandom } from '../../../src/testing/conformance/seeded-random.ts';
import type { Reporter } from '../support/reporter.ts';
import { reportingFileSystem } from '../support/reporting-file-system.ts';
import type { VictimTask } from '../support/victim.ts';
import { FINISHED } from '../support/victim.ts';
import type { DurableNode, LedgerNode } from './durable-node.ts';
import { addressOf, startDurableNode, whenLeading } from './durable-node.ts';
import type { LedgerKind } from './ledger.ts';
import { nextIds } from './ledger.ts';
import { proposeOne, reportEvents, untilDeposed } from './node-workload.ts';

const ROUNDS = 30;
const MATCH_INTERVAL_MS = 2;

export async function runInstallWorkload(task: VictimTask, reporter: Reporter, kind: LedgerKind): Promise<void> {
  const { directory, seed } = task;
  reporter.report('opening', 0);
  const hub = new MemHub();
  const leader = await startDurableNode({ id: 1, directory: join(directory, 'leader'), kind, hub });
  const fileSystem = reportingFileSystem(reporter);
  const learner = await startDurableNode({ id: 2, directory: join(directory, 'learner'), kind, hub, fileSystem });
  reporter.report('opened', 0);
  await leader.node.bootstrapIfNeeded();
  await whenLeading(leader.node);
  // On a busy machine the leader may have to be elected again meanwhile.
  while (!leader.node.learnerIds().includes(2)) {
    await untilDeposed(leader.node.addLearner(2, addressOf(2)));
    await whenLeading(leader.node);
  }
  reporter.report('leading', 0);
  reportMatch(leader.node, reporter);
  const events = reportEvents(learner.node, reporter);
  await untilDeposed(runRounds({ hub, leader, learner }, new SeededRandom(seed), reporter));
  await learner.node.shutdown();
  await leader.node.shutdown();
  await events;
  reporter.report(FINISHED, 0);
}

interface Pair {
  readonly hub: MemHub;
  readonly leader: DurableNode;
  readonly learner: DurableNode;
}

/** A few proposals reach the learner as entries, then many as a snapshot. */
async function runRounds({ hub, leader, learner }: Pair, random: SeededRandom, reporter: Reporter): Promise<void> {
  let id = nextIds(leader.rows());
  const propose = async (count: number): Promise<void> => {
    const proposals: Promise<void>[] = [];
    for (let left = count; left > 0; left -= 1) {
      id += 1;
      proposals.push(proposeOne(leader.node, reporter, id));
    }
    await Promise.all(proposals);
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    await propose(random.between(1, 10));
    hub.isolate(addressOf(2));
    await propose(random.between(45, 90));
    await leader.node.raft.trigger().snapshot();
    hub.heal();
    await learner.node.wait().appliedIndexAtLeast(leader.node.metrics().committed.index);
    reporter.report('caught up', round);
  }
}

/** What the learner has acknowledged to its leader. */
function reportMatch(leader: LedgerNode, reporter: Reporter): void {
  let lastIndex = 0;
  const look = (): void => {
    const index = leader.metrics().replication?.get(2)?.matchIndex ?? 0;
    if (index > lastIndex) reporter.report('matched', index);
    lastIndex = Math.max(lastIndex, index);
  };
  setInterval(look, MATCH_INTERVAL_MS);
}
