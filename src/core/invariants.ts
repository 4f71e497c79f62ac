/** What must be true after every step, also in production. A violation stops the node for good. */
import type { CoreState } from './state.ts';

/** Each id is explained in docs/INVARIANTS.md. */
export type InvariantId = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9' | 'I10';

/** A bug, a broken disk or a broken peer made the state impossible. Nothing may be written or answered after it. */
export class InvariantViolation extends Error {
  readonly invariant: InvariantId;

  constructor(invariant: InvariantId, details: string) {
    super(`invariant ${invariant} violated: ${details}`);
    this.name = 'InvariantViolation';
    this.invariant = invariant;
  }
}

export function invariant(condition: boolean, id: InvariantId, details: () => string): asserts condition {
  if (!condition) throw new InvariantViolation(id, details());
}

/** A switch over a union forgot a case. */
export function assertNever(value: never): never {
  throw new InvariantViolation('I10', `unexpected ${JSON.stringify(value)}`);
}

/** What the step before left behind; compared with the state after the next one. */
export interface Watermark {
  term: number;
  commitIndex: number;
  appliedIndex: number;
  purgedIndex: number;
}

/** Constant-time checks; see docs/INVARIANTS.md for the sentence and the section behind each. */
export function checkState(state: CoreState, before: Watermark): void {
  const { log, hardState } = state;
  const applied = Math.max(state.applied.index, state.installing?.meta.lastLogId.index ?? 0);
  invariant(hardState.term >= before.term, 'I2', () => `term went from ${before.term} to ${hardState.term}`);
  invariant(
    state.commitIndex >= before.commitIndex,
    'I3',
    () => `commit ${before.commitIndex} -> ${state.commitIndex}`,
  );
  invariant(state.applied.index >= before.appliedIndex, 'I4', () => `applied went back to ${state.applied.index}`);
  invariant(
    log.purged.index >= before.purgedIndex,
    'I5',
    () => `purged went from ${before.purgedIndex} to ${log.purged.index}`,
  );
  invariant(
    log.purged.index <= applied && state.snapshot.index <= applied && applied <= state.commitIndex,
    'I5',
    () =>
      `purged ${log.purged.index}, snapshot ${state.snapshot.index}, applied ${applied}, commit ${state.commitIndex}`,
  );
  invariant(
    state.commitIndex <= log.lastIndex && state.durableIndex <= log.lastIndex,
    'I6',
    () => `commit ${state.commitIndex}, durable ${state.durableIndex}, last ${log.lastIndex}`,
  );
  invariant(
    log.lastLogId().term <= hardState.term,
    'I7',
    () => `last term ${log.lastLogId().term} > ${hardState.term}`,
  );
  checkLeader(state);
  before.term = hardState.term;
  before.commitIndex = state.commitIndex;
  before.appliedIndex = state.applied.index;
  before.purgedIndex = log.purged.index;
}

function checkLeader(state: CoreState): void {
  if (state.role.name !== 'leader') return;
  const { leader } = state.role;
  invariant(
    state.leaderId === state.nodeId && leader.term === state.hardState.term,
    'I8',
    () => `leader of term ${leader.term} in term ${state.hardState.term}, following ${String(state.leaderId)}`,
  );
  invariant(
    state.log.lastIndex >= leader.blankIndex && state.log.lastLogId().term === leader.term,
    'I9',
    () => `the leader's log ends at ${state.log.lastIndex}, its blank entry is ${leader.blankIndex}`,
  );
}
