import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PlaceCapability } from '../../../src/testing/conformance/capabilities.ts';
import type { ConformanceSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { snapshotStoreSuite } from '../../../src/testing/conformance/snapshot-store-suite.ts';
import { expectCaught, failingCases } from './failing-cases.ts';
import { JournalSnapshotStore, journalSnapshotPlace } from './journal-snapshot-store.ts';
import { SNAPSHOT_MUTANTS } from './snapshot-mutants.ts';

const CAPABILITIES: readonly PlaceCapability[] = ['crash', 'crash-points', 'faults', 'damage', 'lock'];

describe('the snapshot store suite, where places can crash, fail and damage', () => {
  test('passes a store that keeps the contract', async () => {
    assert.deepEqual(await failingCases(suiteFor(JournalSnapshotStore)), []);
  });

  for (const [name, { Store, caughtBy }] of Object.entries(SNAPSHOT_MUTANTS)) {
    test(`catches a store that ${name}`, () => expectCaught(suiteFor(Store), caughtBy));
  }

  test('has a broken store for each case that needs a place that can do something', () => {
    const needy = suiteFor(JournalSnapshotStore, []).notCovered.map(({ name }) => name);
    const caught = new Set(Object.values(SNAPSHOT_MUTANTS).flatMap(({ caughtBy }) => caughtBy));
    assert.ok(needy.length > 15);
    assert.deepEqual(
      needy.filter((name) => !caught.has(name)),
      [],
    );
  });
});

function suiteFor(Store: typeof JournalSnapshotStore, capabilities = CAPABILITIES): ConformanceSuite {
  return snapshotStoreSuite({ persistent: true, capabilities, create: () => journalSnapshotPlace(Store) });
}
