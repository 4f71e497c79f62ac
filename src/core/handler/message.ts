/** Receiving: the term rule is applied once, here; then each message goes to its handler (§5.1). */
import type { Core } from '../context.ts';
import type { NodeId } from '../ids.ts';
import { assertNever, invariant } from '../invariants.ts';
import type { Message } from '../message.ts';
import { becomeFollower } from '../role/follower.ts';
import { handleAppendRequest, handleAppendResponse, refuseOldAppend } from './append-entries.ts';
import { handleHeartbeatRequest, handleHeartbeatResponse, refuseOldHeartbeat } from './heartbeat.ts';
import { handleSnapshotResponse } from './install-snapshot.ts';
import { handlePreVoteRequest, handlePreVoteResponse } from './pre-vote.ts';
import { handleTimeoutNow } from './transfer.ts';
import { handleVoteRequest, handleVoteResponse } from './vote.ts';

export function handleMessage(core: Core, from: NodeId, message: Message, token: number): void {
  // Votes have term rules of their own: asking must not disturb a live leader.
  if (message.type === 'pre-vote-request') handlePreVoteRequest(core, from, message, token);
  else if (message.type === 'pre-vote-response') handlePreVoteResponse(core, from, message);
  else if (message.type === 'vote-request') handleVoteRequest(core, from, message, token);
  else handleInTerm(core, from, message, token);
}

type TermMessage = Exclude<Message, { type: 'pre-vote-request' | 'pre-vote-response' | 'vote-request' }>;

function handleInTerm(core: Core, from: NodeId, message: TermMessage, token: number): void {
  const { hardState } = core.state;
  if (message.term < hardState.term) {
    refuseOld(core, from, message, token);
    return;
  }
  if (message.term > hardState.term) becomeFollower(core, message.term, null);
  if (isFromLeader(message)) assertOnlyLeader(core, from);
  dispatch(core, from, message, token);
}

function isFromLeader(message: TermMessage): boolean {
  return message.type === 'append-request' || message.type === 'heartbeat-request';
}

/** Two leaders in one term can't be: somebody voted twice, and nothing is safe any more. */
export function assertOnlyLeader(core: Core, from: NodeId): void {
  const { leaderId, hardState } = core.state;
  invariant(
    leaderId === null || leaderId === from,
    'I1',
    () => `term ${hardState.term} has leaders ${leaderId} and ${from}`,
  );
}

function refuseOld(core: Core, from: NodeId, message: TermMessage, token: number): void {
  if (message.type === 'append-request') refuseOldAppend(core, from, message, token);
  if (message.type === 'heartbeat-request') refuseOldHeartbeat(core, from, message, token);
}

function dispatch(core: Core, from: NodeId, message: TermMessage, token: number): void {
  const { role } = core.state;
  const leader = role.name === 'leader' ? role.leader : null;
  switch (message.type) {
    case 'vote-response':
      handleVoteResponse(core, from, message);
      return;
    case 'append-request':
      handleAppendRequest(core, from, message, token);
      return;
    case 'append-response':
      if (leader !== null) handleAppendResponse(core, leader, from, message);
      return;
    case 'heartbeat-request':
      handleHeartbeatRequest(core, from, message, token);
      return;
    case 'heartbeat-response':
      if (leader !== null) handleHeartbeatResponse(core, leader, from, message);
      return;
    case 'timeout-now':
      handleTimeoutNow(core, from, message);
      return;
    case 'snapshot-response':
      if (leader !== null) handleSnapshotResponse(core, leader, from, message);
      return;
    default:
      assertNever(message);
  }
}
