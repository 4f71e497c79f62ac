import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { logId } from '../../../src/core/ids.ts';
import type { StoredMembership } from '../../../src/core/membership/membership.ts';
import { NO_MEMBERSHIP } from '../../../src/core/membership/membership.ts';
import { MembershipState } from '../../../src/core/membership/membership-state.ts';
import { membership } from './memberships.ts';

function stored(index: number, term = 1): StoredMembership {
  return { logId: logId(term, index), membership: membership([[index]]) };
}

describe('MembershipState', () => {
  test('a node that knows nothing has no membership', () => {
    const state = new MembershipState(NO_MEMBERSHIP, []);
    assert.equal(state.committed, NO_MEMBERSHIP);
    assert.equal(state.effective, NO_MEMBERSHIP);
  });

  test('a membership is effective when it is appended, and committed later', () => {
    const state = new MembershipState(stored(1), []);
    state.append(stored(4));
    assert.deepEqual(state.effective, stored(4));
    assert.deepEqual(state.committed, stored(1));
    assert.equal(state.commitTo(3), false);
    assert.deepEqual(state.committed, stored(1));
    assert.equal(state.commitTo(4), true);
    assert.deepEqual(state.committed, stored(4));
    assert.equal(state.commitTo(9), false);
  });

  test('a commit past several takes the newest of them', () => {
    const state = new MembershipState(stored(1), [stored(4), stored(6), stored(9)]);
    assert.equal(state.commitTo(7), true);
    assert.deepEqual(state.committed, stored(6));
    assert.deepEqual(state.effective, stored(9));
  });

  test('truncation brings back the membership before', () => {
    const state = new MembershipState(stored(1), [stored(4), stored(6)]);
    assert.equal(state.truncateFrom(7), false);
    assert.equal(state.truncateFrom(6), true);
    assert.deepEqual(state.effective, stored(4));
    assert.equal(state.truncateFrom(2), true);
    assert.deepEqual(state.effective, stored(1));
    state.append(stored(3, 2));
    assert.deepEqual(state.effective, stored(3, 2));
  });

  test('a snapshot in place of the log makes its membership the only one', () => {
    const state = new MembershipState(stored(1), [stored(4), stored(6)]);
    state.resetTo(stored(5));
    assert.deepEqual(state.committed, stored(5));
    assert.deepEqual(state.effective, stored(5));
    assert.equal(state.commitTo(9), false);
  });

  test('refuses a membership that is not newer, and to truncate a committed one', () => {
    const state = new MembershipState(stored(3), [stored(5)]);
    assert.throws(() => state.append(stored(5)), RangeError);
    assert.throws(() => state.append(stored(4)), RangeError);
    assert.throws(() => state.truncateFrom(3), RangeError);
    assert.throws(() => new MembershipState(stored(3), [stored(6), stored(5)]), RangeError);
    assert.throws(() => new MembershipState(stored(3), [stored(3)]), RangeError);
    assert.deepEqual(state.effective, stored(5));
  });

  test('does not keep the array it was made from', () => {
    const uncommitted = [stored(4)];
    const state = new MembershipState(stored(1), uncommitted);
    state.commitTo(4);
    state.append(stored(5));
    assert.deepEqual(uncommitted, [stored(4)]);
  });

  test('answers like a plain list after any operations', () => {
    const operation = fc.record({
      type: fc.constantFrom('append', 'append', 'truncate', 'commit', 'reset'),
      amount: fc.integer({ min: 1, max: 6 }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 30 }), (operations) => {
        const state = new MembershipState(stored(1), []);
        // The twin: all memberships in log order, and how far they are committed.
        let all = [stored(1)];
        let commitIndex = 1;
        const newest = (upTo: number): StoredMembership | undefined =>
          all.findLast(({ logId: { index } }) => index <= upTo);
        for (const { type, amount } of operations) {
          const before = { committed: newest(commitIndex), effective: all.at(-1) };
          if (type === 'append') {
            const added = stored((all.at(-1)?.logId.index ?? 0) + amount);
            all.push(added);
            state.append(added);
          } else if (type === 'truncate') {
            const from = commitIndex + amount;
            all = all.filter(({ logId: { index } }) => index < from);
            assert.equal(state.truncateFrom(from), before.effective !== all.at(-1));
          } else if (type === 'commit') {
            commitIndex += amount;
            assert.equal(state.commitTo(commitIndex), before.committed !== newest(commitIndex));
          } else {
            commitIndex += amount;
            all = [stored(commitIndex, 2)];
            state.resetTo(stored(commitIndex, 2));
          }
          // Nothing is appended at or below what is committed.
          commitIndex = Math.min(commitIndex, all.at(-1)?.logId.index ?? 0);
          assert.deepEqual(state.committed, newest(commitIndex));
          assert.deepEqual(state.effective, all.at(-1));
        }
      }),
    );
  });
});
