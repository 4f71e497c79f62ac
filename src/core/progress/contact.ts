/** Any answer in the leader's term proves that the peer still follows it. */
import type { Core } from '../context.ts';
import type { Leader } from '../role/leader.ts';
import type { Progress } from './progress.ts';

export function noteContact(core: Core, leader: Leader, progress: Progress, round: number): void {
  progress.contactMs = core.time.nowMs;
  if (round <= progress.ackedRound || round > leader.rounds.current) return;
  progress.ackedRound = round;
  progress.ackedRoundSentMs = Math.max(progress.ackedRoundSentMs, leader.rounds.sentMs(round));
}
