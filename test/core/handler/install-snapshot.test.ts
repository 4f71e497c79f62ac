import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logId } from '../../../src/core/ids.ts';
import { appendRequest, at, entriesOf, makeCore, onlyEffect, snapshotMeta } from '../../support/core-kit.ts';

test('what was applied after a snapshot is not forgotten when its installation is reported', () => {
  const core = makeCore({}, { nodeId: 2 });
  const meta = snapshotMeta(logId(1, 100), [1, 2, 3]);
  const offer = { term: 1, session: 1, meta };
  const effects = core.step({ type: 'snapshot-received', from: 1, offer, token: 0 }, at(1));
  const { seq } = onlyEffect(effects, 'install-snapshot');
  const entries = entriesOf([1, 1], 101);
  const message = appendRequest(1, { prevLogId: logId(1, 100), entries, commitIndex: 102 });
  core.step({ type: 'message', from: 1, message, token: 0 }, at(2));

  // The state is in place, and goes on at once with what is committed; the write is reported after that.
  core.step({ type: 'applied', logId: logId(1, 100) }, at(3));
  core.step({ type: 'applied', logId: logId(1, 102) }, at(3));
  core.step({ type: 'persisted', seq }, at(3));
  assert.deepEqual([core.state.applied, core.state.snapshot], [logId(1, 102), logId(1, 100)]);
  assert.equal(core.state.installing, null);
});
