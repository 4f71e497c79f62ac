/** Bugs of elections: votes, terms and what keeps them apart (§5.2, §5.4.1, thesis §9.6). */
import type { Mutant } from '../mutant.ts';
import { repeatedFaults } from '../repeated-faults.ts';

const VOTE = 'src/core/handler/vote.ts';
const FOLLOWER = 'src/core/role/follower.ts';

export const ELECTION_MUTANTS: readonly Mutant[] = [
  {
    name: 'majority-of-half',
    bug: 'Half of the voters count as a majority: with an even number of them, two majorities need not meet.',
    origin: '§5.2; openraft #1802 committed by counting what was no quorum',
    patches: [
      {
        file: 'src/core/quorum/majority.ts',
        search: 'return Math.floor(voters.length / 2) + 1;',
        replace: 'return Math.ceil(voters.length / 2);',
      },
    ],
    pinned: [16, 22, 15],
  },
  {
    name: 'vote-without-log-check',
    bug: 'A vote is granted whatever the log of the candidate holds.',
    origin: '§5.4.1',
    patches: [
      {
        file: FOLLOWER,
        search: 'return compareLogIds(lastLogId, core.state.log.lastLogId()) >= 0;',
        replace: 'return lastLogId.index >= 0 || compareLogIds(lastLogId, core.state.log.lastLogId()) >= 0;',
      },
    ],
    pinned: [13, 4, 17],
  },
  {
    name: 'log-check-by-length',
    bug: 'The longer log counts as the more up to date, whatever the term of its last entry.',
    origin: '§5.4.1; hashicorp/raft pull 95 and liferaft pull 10 put such checks right',
    patches: [
      {
        file: FOLLOWER,
        search: 'return compareLogIds(lastLogId, core.state.log.lastLogId()) >= 0;',
        replace: 'return compareLogIds({ ...lastLogId, term: 0 }, { ...core.state.log.lastLogId(), term: 0 }) >= 0;',
      },
    ],
    // Who was cut off with a long tail of an old term comes back while the leader that followed is away.
    options: {
      nodes: 3,
      schedule: repeatedFaults({
        everyMs: 2500,
        times: 8,
        faults: [
          [0, { type: 'partition', side: ['leader'], isOneWay: false, forMs: 1000 }],
          [1000, { type: 'crash', target: 'leader', afterCalls: 0, downMs: 1000 }],
        ],
      }),
    },
    pinned: [24, 15, 11],
  },
  {
    name: 'vote-not-persisted',
    bug: 'A vote is remembered but not written: after a restart the node votes again in the same term.',
    origin: 'figure 2; hashicorp/raft #661',
    patches: [
      {
        file: VOTE,
        search: 'if (votedFor === null) saveHardState(core, { term, votedFor: from });',
        replace: 'if (votedFor === null) state.hardState = { term, votedFor: from };',
      },
    ],
    pinned: [19, 13, 20],
  },
  {
    name: 'vote-reply-before-persist',
    bug: 'The answer to a vote request leaves while the vote is still being written.',
    origin: 'figure 2: persistent state is updated before an answer',
    patches: [
      {
        file: VOTE,
        search: 'out.sendWhenDurable(from, response, token);',
        replace: "out.add({ type: 'send', to: from, message: response, token });",
      },
    ],
    pinned: [13, 21, 11],
  },
  {
    name: 'stale-vote-counted',
    bug: 'A vote that was granted in an earlier term counts in the current one.',
    origin: '§5.1',
    patches: [
      {
        file: 'src/core/handler/message.ts',
        search: 'if (message.term < hardState.term) {',
        replace: "if (message.term < hardState.term && message.type !== 'vote-response') {",
      },
    ],
    pinned: [38, 30, 40],
  },
  {
    name: 'pre-vote-updates-term',
    bug: 'A voter takes over the term that a pre-vote only asks about: a node that was removed unseats every leader.',
    origin: 'thesis §9.6; what pre-vote is to prevent: hashicorp/raft #411, openraft #1770',
    patches: [
      {
        file: 'src/core/handler/pre-vote.ts',
        search: '  const { hardState, log } = core.state;\n  const isLive',
        replace:
          '  if (request.term > core.state.hardState.term) becomeFollower(core, request.term, null);\n' +
          '  const { hardState, log } = core.state;\n  const isLive',
      },
    ],
    pinned: [21, 18, 13],
  },
];
