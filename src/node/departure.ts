/** What a node does before it leaves: finish what it began, and hand over what others need. */

import { voterIds } from '../core/membership/membership.ts';
import { CallBudget, NO_OPTIONS } from '../raft/call-options.ts';
import { Wait } from '../raft/wait.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { isLiveLeader } from './leadership.ts';
import type { Proposer } from './proposer.ts';

/**
 * Brings to an end what was begun, and hands leadership to another voter, so that nobody has to wait for an election.
 * Takes an election timeout at most; that it did not succeed is no reason to stay.
 */
export async function depart(runtime: Runtime, proposer: Proposer): Promise<void> {
  const { clock, config, logger, nodeId } = runtime.parts;
  const budget = new CallBudget(clock, NO_OPTIONS, config.electionTimeoutMaxMs);
  try {
    if (isLiveLeader(runtime)) await handOver(runtime, budget);
    await proposer.drain(budget);
  } catch (error) {
    logger.warn({ nodeId, error }, 'the node leaves before it handed over all that it led');
  }
}

async function handOver(runtime: Runtime, budget: CallBudget): Promise<void> {
  // What was proposed before is appended in this turn; a transfer would refuse it.
  await new Promise<void>((resolve) => runtime.parts.timers.nextTurn(resolve));
  runtime.assertRunning();
  if (hasSuccessor(runtime)) await runtime.changes.transfer(null, budget.rest);
  else await new Wait(runtime, budget.rest).metrics(({ pendingProposals }) => pendingProposals === 0, 'proposals');
}

function hasSuccessor(runtime: Runtime): boolean {
  const { replication, membership, id } = runtime.metrics();
  return voterIds(membership.membership).some((voter) => voter !== id && replication?.get(voter)?.isReachable === true);
}
