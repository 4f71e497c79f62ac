/** Bugs of replication and commit (§5.3, §5.4). */
import type { Mutant } from '../mutant.ts';

const APPEND = 'src/core/handler/append-entries.ts';
const COMMIT = 'src/core/role/commit.ts';

export const REPLICATION_MUTANTS: readonly Mutant[] = [
  {
    name: 'commit-of-earlier-term',
    bug: 'A leader commits an entry of an earlier term because a majority has it.',
    origin: '§5.4.2, figure 8',
    patches: [
      {
        file: COMMIT,
        search: 'if (index <= state.commitIndex || state.log.termAt(index) !== leader.term) return false;',
        replace: 'if (index <= state.commitIndex) return false;',
      },
    ],
    pinned: [11, 25, 10],
  },
  {
    name: 'append-ack-before-persist',
    bug: 'A follower acknowledges entries that are still being written.',
    origin: 'figure 2: persistent state is updated before an answer',
    patches: [
      {
        file: APPEND,
        search: 'out.sendWhenDurable(from, { ...answer(core, request), success: true, matchIndex }, token);',
        replace: 'out.send(from, { ...answer(core, request), success: true, matchIndex }, token);',
      },
    ],
    pinned: [24, 20, 16],
  },
  {
    name: 'leader-counts-itself-before-persist',
    bug: 'A leader that writes while it replicates counts itself for entries that its own disk does not hold yet.',
    origin: 'thesis §10.2.1',
    patches: [
      {
        file: COMMIT,
        search: 'id === state.nodeId ? state.durableIndex :',
        replace: 'id === state.nodeId ? state.log.lastIndex :',
      },
    ],
    pinned: [17, 15, 14],
  },
  {
    name: 'ack-beyond-verified',
    bug: 'A follower acknowledges its whole log, also what the request said nothing about.',
    origin: 'figure 2, rule 5 of AppendEntries: up to the last new entry',
    patches: [
      {
        file: APPEND,
        search: 'const matchIndex = prevLogId.index + entries.length;',
        replace: 'const matchIndex = state.log.lastIndex;',
      },
    ],
    pinned: [44, 13, 19],
  },
  {
    name: 'truncation-without-conflict',
    bug: 'A follower removes all that follows the position of a request, also what agrees with it.',
    origin: "figure 2, rule 3 of AppendEntries; a mistake that the Students' Guide to Raft warns of",
    patches: [
      {
        file: APPEND,
        search: '      if (log.has(entry.logId)) continue;\n',
        replace: '',
      },
    ],
    pinned: [6, 21, 4],
  },
  {
    name: 'heartbeat-commit-beyond-match',
    bug: 'A heartbeat carries the commit index of the leader, and a follower commits whatever it has up to there.',
    origin: '§5.3; etcd/raft has a guard against it where it sends heartbeats',
    patches: [
      {
        file: 'src/core/read/heartbeat-round.ts',
        search: 'return Math.min(core.state.commitIndex, progress.matchIndex);',
        replace: 'return Math.max(core.state.commitIndex, progress.matchIndex);',
      },
      // Leader and follower each prevent it alone.
      {
        file: 'src/core/handler/heartbeat.ts',
        search: 'commitTo(core, Math.min(request.commitIndex, core.state.verifiedIndex));',
        replace: 'commitTo(core, Math.min(request.commitIndex, core.state.log.lastIndex));',
      },
    ],
    pinned: [21, 22, 18],
  },
  {
    name: 'failed-write-ignored',
    bug: 'The log store takes a write that failed as done, and goes on behind the hole.',
    origin: 'the errors of fsync that PostgreSQL dropped until 2018; hashicorp/raft-wal pull 32',
    patches: [
      {
        file: 'src/storage/group-log/group-log-store.ts',
        search: '        this.#failure ??= error;\n        throw error;\n      },\n    );',
        replace: '        if (!(error instanceof Error)) throw error;\n      },\n    );',
      },
      // The simulated database would not let the next write in.
      {
        file: 'src/testing/disk/mem-log-database.ts',
        search: '      this.#hasFailed = true;\n',
        replace: '',
      },
    ],
    pinned: [31, 49, 38],
  },
];
