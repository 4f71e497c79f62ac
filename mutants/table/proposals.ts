/** Bugs of what clients are told (§8). */
import type { Mutant } from '../mutant.ts';

const PROPOSALS = 'src/runtime/proposals.ts';

export const PROPOSAL_MUTANTS: readonly Mutant[] = [
  {
    name: 'proposals-resolved-twice',
    bug: 'An applied entry resolves its own proposal, and on another node one that waits at the same index in vain.',
    origin: '§8; kin of hashicorp/raft #145 and cockroach #1677, where a proposal had no answer or a wrong one',
    patches: [
      {
        file: PROPOSALS,
        search: 'if (proposal.logId?.term !== applied.term) {',
        replace: 'if (proposal.logId === null) {',
      },
      // Who waits is told of the loss of leadership, too.
      {
        file: PROPOSALS,
        search: '  onLeadershipLost(): void {\n',
        replace: '  onLeadershipLost(): void {\n    if (this.#appended.size > 0) return;\n',
      },
    ],
    pinned: [17, 7, 19],
  },
  {
    name: 'timed-out-as-not-applied',
    bug: 'A proposal whose time is over counts as not applied, although it stands in the log.',
    origin: '§8; etcd #17332, where a timeout reads like a refusal',
    patches: [
      {
        file: PROPOSALS,
        search: 'if (proposal.logId === null) return new TimeoutError',
        replace: 'if (proposal.logId === null || !proposal.isSettled) return new TimeoutError',
      },
    ],
    pinned: [22, 9, 15],
  },
  {
    name: 'forwarded-proposal-sent-again',
    bug: 'A proposal for the leader is sent again when its answer is lost, and is applied twice.',
    origin: '§8; etcd #18424',
    patches: [
      {
        file: 'src/runtime/forwarding.ts',
        search: 'const answer = await connection.request(asked, { signal });',
        replace:
          'const answer = await connection\n' +
          '        .request(asked, { signal })\n' +
          '        .catch(() => connection.request(asked, { signal }));',
      },
    ],
    pinned: [5, 21, 25],
  },
];
