import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Core } from '../../src/core/context.ts';
import { logId } from '../../src/core/ids.ts';
import { createState } from '../../src/core/initial-state.ts';
import type { InvariantId, Watermark } from '../../src/core/invariants.ts';
import { assertNever, checkState, InvariantViolation } from '../../src/core/invariants.ts';
import { truncateLog } from '../../src/core/log/append.ts';
import { Outbox } from '../../src/core/outbox.ts';
import type { RaftCore } from '../../src/core/raft.ts';
import { becomeLeader } from '../../src/core/role/become-leader.ts';
import type { CoreState } from '../../src/core/state.ts';
import type { InitialStateInit } from '../support/core-kit.ts';
import {
  appendRequest,
  at,
  coreOptions,
  entriesOf,
  heartbeatRequest,
  initialState,
  makeCore,
  snapshotMeta,
} from '../support/core-kit.ts';

function assertViolates(id: InvariantId, action: () => unknown): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof InvariantViolation);
    assert.equal(error.invariant, id);
    assert.match(error.message, new RegExp(`^invariant ${id} violated: .+`));
    return true;
  });
}

const healthy: InitialStateInit = {
  voters: [1, 2, 3],
  logTerms: [1, 1, 2, 2],
  hardState: { term: 3, votedFor: null },
  committed: 3,
  applied: 2,
};

/** A core taken apart, so that its state can be broken. */
function openCore(init: InitialStateInit = healthy): Core {
  const options = coreOptions();
  const state = createState(options, initialState(init), 0);
  return { options, state, out: new Outbox(state.durable, state.log.lastIndex), time: at(0) };
}

const NOTHING_BEFORE: Watermark = { term: 0, commitIndex: 0, appliedIndex: 0, purgedIndex: 0 };

/** Checks a state that is healthy but for this. */
function check(broken: Partial<CoreState>, before: Partial<Watermark> = {}): void {
  checkState({ ...openCore().state, ...broken }, { ...NOTHING_BEFORE, ...before });
}

test('a healthy state violates nothing', () => {
  const { state } = openCore();
  const watermark = { ...NOTHING_BEFORE };
  checkState(state, watermark);
  checkState(state, watermark);
  assert.deepEqual(watermark, { term: 3, commitIndex: 3, appliedIndex: 2, purgedIndex: 0 });
});

describe('I1 a term has one leader', () => {
  const follower = (): RaftCore => {
    const core = makeCore(healthy);
    core.step({ type: 'message', from: 2, message: heartbeatRequest(3), token: 0 }, at(0));
    return core;
  };

  test('I1 a heartbeat of a second one', () => {
    const message = heartbeatRequest(3);
    assertViolates('I1', () => follower().step({ type: 'message', from: 3, message, token: 0 }, at(0)));
  });

  test('I1 an append of a second one', () => {
    const message = appendRequest(3);
    assertViolates('I1', () => follower().step({ type: 'message', from: 3, message, token: 0 }, at(0)));
  });

  test('I1 a snapshot of a second one', () => {
    const offer = { term: 3, session: 1, meta: snapshotMeta(logId(3, 9), [1, 2, 3]) };
    assertViolates('I1', () => follower().step({ type: 'snapshot-offered', from: 3, offer, token: 0 }, at(0)));
    assertViolates('I1', () => follower().step({ type: 'snapshot-received', from: 3, offer, token: 0 }, at(0)));
  });

  test('I1 the next term may have another one', () => {
    const core = follower();
    core.step({ type: 'message', from: 3, message: heartbeatRequest(4), token: 0 }, at(0));
    assert.equal(core.state.leaderId, 3);
  });
});

test('I2 the term never decreases', () => {
  assertViolates('I2', () => check({}, { term: 4 }));
});

describe('I3 what is committed stays', () => {
  test('I3 the commit index never decreases', () => {
    assertViolates('I3', () => check({}, { commitIndex: 4 }));
  });

  test('I3 committed entries are not truncated', () => {
    assertViolates('I3', () => truncateLog(openCore(), 3));
    const core = openCore();
    truncateLog(core, 4);
    assert.equal(core.state.log.lastIndex, 3);
  });
});

test('I4 the applied index never decreases', () => {
  assertViolates('I4', () => check({}, { appliedIndex: 3 }));
  const core = makeCore(healthy);
  assertViolates('I4', () => core.step({ type: 'applied', logId: logId(1, 1) }, at(0)));
});

describe('I5 purged <= applied, snapshot <= applied, applied <= commit', () => {
  test('I5 applied beyond commit', () => {
    assertViolates('I5', () => makeCore(healthy).step({ type: 'applied', logId: logId(2, 4) }, at(0)));
  });

  test('I5 a snapshot beyond applied', () => {
    assertViolates('I5', () => check({ snapshot: logId(2, 3) }));
  });

  test('I5 purged beyond applied', () => {
    const { state } = openCore();
    state.log.purgeTo(logId(2, 3));
    assertViolates('I5', () => checkState(state, { ...NOTHING_BEFORE }));
  });

  test('I5 an installation under way counts as applied', () => {
    const meta = snapshotMeta(logId(2, 3), [1, 2, 3]);
    check({ installing: { meta, seq: 1 }, snapshot: logId(2, 3) });
    const beyond = snapshotMeta(logId(2, 4), [1, 2, 3]);
    assertViolates('I5', () => check({ installing: { meta: beyond, seq: 1 } }));
  });
});

describe('I6 commit <= last, durable <= last', () => {
  test('I6 commit beyond the log', () => {
    assertViolates('I6', () => check({ commitIndex: 5 }));
  });

  test('I6 durable beyond the log', () => {
    assertViolates('I6', () => check({ durableIndex: 5 }));
  });
});

test('I7 no entry is of a later term than the own one: a store that lost its hard state is refused', () => {
  assertViolates('I7', () => makeCore({ ...healthy, hardState: { term: 1, votedFor: null } }));
});

/** Node 1 as leader of term 3; its blank entry is 3:5. */
function openLeader(): Core {
  const core = openCore();
  becomeLeader(core);
  checkState(core.state, { ...NOTHING_BEFORE });
  return core;
}

describe('I8 a leader leads its own term, and follows itself', () => {
  test('I8 its term moved on', () => {
    const { state } = openLeader();
    state.hardState = { term: 4, votedFor: null };
    assertViolates('I8', () => checkState(state, { ...NOTHING_BEFORE }));
  });

  test('I8 it follows another node', () => {
    const { state } = openLeader();
    state.leaderId = 2;
    assertViolates('I8', () => checkState(state, { ...NOTHING_BEFORE }));
  });
});

describe('I9 a leader only appends', () => {
  test('I9 it does not truncate its log', () => {
    assertViolates('I9', () => truncateLog(openLeader(), 5));
  });

  test('I9 its log ends with an entry of its term', () => {
    const { state } = openLeader();
    state.log.truncateFrom(5);
    assertViolates('I9', () => checkState({ ...state, durableIndex: 4 }, { ...NOTHING_BEFORE }));
  });
});

test('I10 a value outside of its union is a bug', () => {
  // What the types rule out, as a faulty caller would hand it in.
  const input = { type: 'dance' } as never;
  assertViolates('I10', () => assertNever(input));
  assertViolates('I10', () => makeCore(healthy).step(input, at(0)));
});

test('a core that violated an invariant does nothing any more, whatever comes', () => {
  const core = makeCore(healthy);
  core.step({ type: 'message', from: 2, message: heartbeatRequest(3), token: 0 }, at(0));
  const term = { ...core.state.hardState };
  const second = heartbeatRequest(3);
  assertViolates('I1', () => core.step({ type: 'message', from: 3, message: second, token: 0 }, at(0)));
  const newer = appendRequest(4, { prevLogId: logId(2, 4), entries: entriesOf([4], 5) });
  assertViolates('I1', () => core.step({ type: 'message', from: 2, message: newer, token: 0 }, at(0)));
  assertViolates('I1', () => core.step({ type: 'tick' }, at(100_000)));
  assert.deepEqual(core.state.hardState, term);
});
