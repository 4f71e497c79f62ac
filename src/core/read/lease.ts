/** How long nobody else can be leader, as far as this leader can prove (thesis §6.4.1). */
import type { Core } from '../context.ts';
import { quorumValue } from '../quorum/joint.ts';
import type { Leader } from '../role/leader.ts';

/** The receipt time of the newest answer that, with all newer ones, makes a quorum. */
export function quorumContactMs(core: Core, leader: Leader): number {
  const { state, time } = core;
  return quorumValue(state.membership.effective.membership.configs, (id) =>
    id === state.nodeId ? time.nowMs : (leader.progress.get(id)?.contactMs ?? 0),
  );
}

/**
 * The end of the read lease. Voters refuse other candidates for an election timeout after they answered a round, so
 * it starts when that round was sent, and is shortened by the stated drift of clocks. `-Infinity` when forfeit.
 */
export function leaseUntilMs(core: Core, leader: Leader): number {
  const { state, options, time } = core;
  if (leader.isLeaseForfeit || state.commitIndex < leader.blankIndex) return Number.NEGATIVE_INFINITY;
  const startMs = quorumValue(state.membership.effective.membership.configs, (id) =>
    id === state.nodeId ? time.nowMs : (leader.progress.get(id)?.ackedRoundSentMs ?? Number.NEGATIVE_INFINITY),
  );
  return startMs + options.electionTimeoutMinMs * (1 - options.clockDriftBound);
}
