/** Bugs of linearizable reads (thesis §6.4). */
import type { FaultAction } from '../../src/testing/simulator/schedule/fault-item.ts';
import type { Mutant } from '../mutant.ts';
import { repeatedFaults } from '../repeated-faults.ts';

/** What the leader hears is old. */
const SLOW_TO_LEADER: FaultAction = {
  type: 'link',
  links: { type: 'to', targets: ['leader'] },
  condition: { delayMinMs: 1200, delayMaxMs: 1500 },
  forMs: 3200,
};

/** The others hear nothing of the leader and elect another one; the leader goes on hearing what they said before. */
const LEADER_UNHEARD: FaultAction = { type: 'partition', side: ['leader'], isOneWay: true, forMs: 2200 };

export const READ_MUTANTS: readonly Mutant[] = [
  {
    name: 'lease-read-after-stall',
    bug: 'The lease starts when an answer is read, not when the round was sent: a leader that slept renews it by old mail.',
    origin: 'thesis §6.4.1; tikv #10011: leases and pauses of the process',
    patches: [
      {
        file: 'src/core/read/lease.ts',
        search: '(leader.progress.get(id)?.ackedRoundSentMs ?? Number.NEGATIVE_INFINITY)',
        replace: '(leader.progress.get(id)?.contactMs ?? Number.NEGATIVE_INFINITY)',
      },
    ],
    options: {
      nodes: 3,
      schedule: repeatedFaults({
        everyMs: 4000,
        times: 5,
        faults: [
          [0, SLOW_TO_LEADER],
          [1000, LEADER_UNHEARD],
          [1000, { type: 'stall', target: 'leader', forMs: 900 }],
        ],
      }),
    },
    pinned: [21, 15, 9],
  },
  {
    name: 'lease-kept-after-transfer',
    bug: 'A leader goes on reading by its lease after it told another node to campaign at once.',
    origin: 'thesis §3.10 and §6.4.1 together; TiKV suspects its lease during a transfer',
    patches: [
      {
        file: 'src/core/handler/transfer.ts',
        search: '  leader.isLeaseForfeit = true;\n',
        replace: '',
      },
    ],
    options: {
      nodes: 3,
      schedule: repeatedFaults({
        everyMs: 2000,
        times: 10,
        faults: [
          [0, { ...SLOW_TO_LEADER, condition: { delayMinMs: 150, delayMaxMs: 200 }, forMs: 1500 }],
          [500, { type: 'transfer', to: null }],
        ],
      }),
    },
    pinned: [16, 30, 8],
  },
  {
    name: 'read-index-without-own-commit',
    bug: 'A new leader takes its commit index as read index before it committed an entry of its own term.',
    origin: 'thesis §6.4; etcd #7331',
    patches: [
      {
        file: 'src/core/handler/read-index.ts',
        search: 'return Math.max(core.state.commitIndex, leader.blankIndex);',
        replace: 'return Math.max(core.state.commitIndex, Math.min(leader.blankIndex, 0));',
      },
    ],
    pinned: [15, 9, 14],
  },
  {
    name: 'read-index-by-earlier-round',
    bug: 'Any answer to a heartbeat confirms the reads that wait, also to a round that was sent before they came.',
    origin: 'thesis §6.4; kin of etcd #20418, where late answers confirmed newer reads',
    patches: [
      {
        file: 'src/core/progress/contact.ts',
        search: 'progress.ackedRound = round;',
        replace: 'progress.ackedRound = leader.rounds.current;',
      },
    ],
    options: {
      nodes: 3,
      schedule: repeatedFaults({
        everyMs: 4000,
        times: 5,
        faults: [
          [0, SLOW_TO_LEADER],
          [1000, LEADER_UNHEARD],
        ],
      }),
    },
    pinned: [31, 104, 107],
  },
];
