/** Bugs of membership changes (§6, thesis §4). */

import type { Mutant } from '../mutant.ts';
import { repeatedFaults } from '../repeated-faults.ts';

const STATE = 'src/core/membership/membership-state.ts';
const PEERS = 'src/runtime/peers.ts';
const CHURN = { faults: ['membership', 'partition', 'crash', 'partial'], intensity: 3 } as const;

export const MEMBERSHIP_MUTANTS: readonly Mutant[] = [
  {
    name: 'stale-append-response',
    bug: 'An answer to an append counts for a member that was removed, lost its disk and was added again meanwhile.',
    origin: 'tikv/raft-rs #571, and others in the survey drmingdrmer/raft-rejoin-bug',
    patches: [
      {
        file: 'src/core/handler/append-entries.ts',
        search:
          'if (progress === undefined || progress.session !== response.session) return;\n' +
          '  noteContact(core, leader, progress, response.round);\n  if (response.success)',
        replace:
          'if (progress === undefined) return;\n' +
          '  noteContact(core, leader, progress, response.round);\n  if (response.success)',
      },
      // The runtime closes the line to a member that leaves, and with it what is under way on it.
      {
        file: PEERS,
        search: '      replicator.close();\n      this.#replicators.delete(peer);',
        replace: '      this.#replicators.delete(peer);',
      },
      {
        file: PEERS,
        search: 'opened !== null && this.#replicators.get(peer) !== opened;',
        replace: 'opened !== null && this.#replicators.size === 0;',
      },
    ],
    options: {
      nodes: 3,
      durationMs: 10_000,
      schedule: repeatedFaults({
        everyMs: 10_000,
        times: 1,
        faults: [
          // Answers of node 3 under way for seconds, during which it is wiped, replaced, and added as a new node.
          [
            1000,
            {
              type: 'link',
              links: { type: 'from', targets: [3] },
              condition: { delayMinMs: 6000, delayMaxMs: 6000 },
              forMs: 400,
            },
          ],
          [1400, { type: 'disk-loss', target: 3, downMs: 300 }],
          [4500, { type: 'add-node', isVoter: false }],
        ],
      }),
    },
    pinned: [18, 16, 4],
  },
  {
    name: 'joint-commit-with-one-majority',
    bug: 'In a joint config an entry counts as committed when a majority of the new voters has it.',
    origin: '§6',
    patches: [
      {
        file: 'src/core/quorum/joint.ts',
        search: 'let lowest = Number.POSITIVE_INFINITY;\n  for (const voters of configs) {',
        replace: 'let lowest = Number.POSITIVE_INFINITY;\n  for (const voters of configs.slice(-1)) {',
      },
    ],
    pinned: [55, 37, 57],
  },
  {
    name: 'membership-effective-on-commit',
    bug: 'Votes and acknowledgements are counted by the committed membership, not by the latest one in the log.',
    origin: '§6: a server always uses the latest configuration in its log',
    patches: [
      {
        file: 'src/core/role/commit.ts',
        search: 'const { configs } = state.membership.effective.membership;',
        replace:
          'const { committed, effective } = state.membership;\n' +
          '  const { configs } = (committed.logId.index === 0 ? effective : committed).membership;',
      },
      {
        file: 'src/core/role/candidate.ts',
        search: 'quorumVote(membership.effective.membership.configs, role.ballot.votes)',
        replace:
          'quorumVote((membership.committed.logId.index === 0 ? membership.effective : membership.committed)' +
          '.membership.configs, role.ballot.votes)',
      },
    ],
    pinned: [14, 17, 9],
  },
  {
    name: 'membership-rollback-forgotten',
    bug: 'A membership stays effective although its entry was removed from the log again.',
    origin: '§6: a server must fall back to the configuration before',
    patches: [
      {
        file: STATE,
        search: 'this.#uncommitted = this.#uncommitted.filter((stored) => stored.logId.index < index);',
        replace: '',
      },
      {
        file: STATE,
        search: 'if (stored.logId.index <= index) {',
        replace: 'if (stored.logId.index < Math.min(0, index)) {',
      },
    ],
    options: CHURN,
    pinned: [2, 36, 1],
  },
  {
    name: 'learner-counted-in-quorum',
    bug: 'An acknowledgement of a learner counts as that of a voter.',
    origin: 'thesis §4.2.1; kin of hashicorp/raft #524, a non-voter that takes part in elections',
    patches: [
      {
        file: 'src/core/role/commit.ts',
        search: 'const { configs } = state.membership.effective.membership;',
        replace: 'const configs = [[...state.membership.effective.membership.nodes.keys()]];',
      },
    ],
    pinned: [11, 22, 5],
  },
  {
    name: 'earlier-store-votes',
    bug: 'A node that joined anew takes itself for the voter that had its id before, by a membership of that time.',
    origin: 'this library, until its simulator found it (seed 300090)',
    patches: [
      {
        file: 'src/core/membership/membership.ts',
        search: 'return isVoter(membership, id) && (known === null || instanceId === null || known === instanceId);',
        replace: "return isVoter(membership, id) && (known !== null || instanceId !== '');",
      },
    ],
    options: {
      nodes: 3,
      durationMs: 10_000,
      schedule: repeatedFaults({
        everyMs: 10_000,
        times: 1,
        faults: [
          // The first node is wiped, replaced under its id, and hears little while it catches up.
          [1500, { type: 'disk-loss', target: 1, downMs: 100 }],
          [2000, { type: 'link', links: { type: 'to', targets: [1] }, condition: { lossRate: 0.8 }, forMs: 8000 }],
        ],
      }),
    },
    pinned: [79],
  },
];
