/** Bugs of snapshots, compaction and recovery (§7). */
import type { Mutant } from '../mutant.ts';

const SNAPSHOT = 'src/core/handler/install-snapshot.ts';

export const SNAPSHOT_MUTANTS: readonly Mutant[] = [
  {
    name: 'old-snapshot-installed',
    bug: 'A snapshot is installed although more than it covers is committed already.',
    origin: '§7; etcd pull 1763: snapshots may arrive late',
    patches: [
      {
        file: SNAPSHOT,
        search: 'const isUseless = offer.meta.lastLogId.index <= core.state.commitIndex;',
        replace: 'const isUseless = offer.meta.lastLogId.index <= core.state.snapshot.index;',
      },
      {
        file: SNAPSHOT,
        search: 'if (last.index <= state.commitIndex || state.installing !== null) {',
        replace: 'if (last.index <= state.snapshot.index || state.installing !== null) {',
      },
    ],
    pinned: [51, 21, 5],
  },
  {
    name: 'purge-beyond-snapshot',
    bug: 'The log is cut up to what is applied, although the snapshot covers less.',
    origin: '§7; kin of consul #9609, where a log was cut before others could do without it',
    patches: [
      {
        file: SNAPSHOT,
        search: 'let index = Math.min(wantedIndex, state.snapshot.index);',
        replace: 'let index = Math.max(wantedIndex, state.applied.index);',
      },
    ],
    pinned: [9, 21, 23],
  },
  {
    name: 'applied-index-not-atomic',
    bug: 'A state machine on disk writes its state first and the index of what it applied after that.',
    origin: 'etcd #13766 and the post-mortem of etcd 3.5',
    patches: [
      {
        // It stands for the state machines of applications.
        file: 'src/testing/simulator/kv/durable-kv.ts',
        search: '    await this.#disk.save({ state, applied });\n',
        replace:
          '    await this.#disk.save({ state, applied: this.#applied });\n' +
          '    await this.#disk.save({ state, applied });\n',
      },
    ],
    pinned: [40, 24, 2],
  },
  {
    name: 'snapshot-behind-its-state',
    bug: 'A snapshot is marked with the applied index of a moment before its state was taken.',
    origin: '§7: the last included index; kin of etcd #13766',
    patches: [
      {
        file: 'src/storage/memory/mem-state-machine.ts',
        search: 'const applied = this.applied();\n    const release',
        replace:
          'const applied = this.applied();\n' +
          '    await new Promise<void>((resolve) => void this.#timers.setTimer(5, resolve));\n    const release',
      },
    ],
    pinned: [27, 23, 12],
  },
  {
    name: 'snapshot-ahead-of-log',
    bug: 'A snapshot is published before the own log holds what it covers.',
    origin: 'thesis §10.2.1 together with §7: a leader that writes while it replicates',
    patches: [
      {
        file: 'src/runtime/durable-gate.ts',
        search: 'if (this.#durableIndex() >= index) return;',
        replace: 'if (this.#durableIndex() >= Math.min(index, 0)) return;',
      },
    ],
    pinned: [32, 27, 34],
  },
  {
    name: 'state-ahead-of-log',
    bug: 'A state machine on disk applies what its own log does not hold on disk yet.',
    origin: 'thesis §10.2.1 together with a durable state machine (thesis §5.2)',
    patches: [
      {
        file: 'src/runtime/applier.ts',
        search: 'return stateMachine.isDurable ? Math.min(this.#target, durableIndex()) : this.#target;',
        replace: 'return stateMachine.isDurable ? Math.max(this.#target, durableIndex()) : this.#target;',
      },
    ],
    pinned: [24, 7, 16],
  },
];
