import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PlaceCapability } from '../../../src/testing/conformance/capabilities.ts';
import type { ConformanceSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { logStoreSuite } from '../../../src/testing/conformance/log-store-suite.ts';
import { expectCaught, failingCases } from './failing-cases.ts';
import { JOURNAL_CRASH_MUTANTS } from './journal-crash-mutants.ts';
import { JOURNAL_FAULT_MUTANTS } from './journal-fault-mutants.ts';
import { JournalLogStore, journalPlace } from './journal-log-store.ts';

const CAPABILITIES: readonly PlaceCapability[] = ['crash', 'crash-points', 'faults', 'damage', 'lock'];
const MUTANTS = { ...JOURNAL_CRASH_MUTANTS, ...JOURNAL_FAULT_MUTANTS };

describe('the log store suite, where places can crash, fail and damage', () => {
  test('passes a store that keeps the contract', async () => {
    assert.deepEqual(await failingCases(suiteFor(JournalLogStore)), []);
  });

  test('passes it whatever the seed of the histories', async () => {
    for (const seed of [1000, 2000]) {
      const { cases } = suiteFor(JournalLogStore, { seed });
      const histories = cases.filter(({ name }) => name.startsWith('any history'));
      assert.equal(histories.length, 4);
      for (const { run } of histories) await run();
    }
  });

  for (const [name, { Store, caughtBy }] of Object.entries(MUTANTS)) {
    test(`catches a store that ${name}`, () => expectCaught(suiteFor(Store), caughtBy));
  }

  test('has a broken store for each case that needs a place that can do something', () => {
    const needy = suiteFor(JournalLogStore, { capabilities: [] }).notCovered.map(({ name }) => name);
    const caught = new Set(Object.values(MUTANTS).flatMap(({ caughtBy }) => caughtBy));
    assert.ok(needy.length > 25);
    assert.deepEqual(
      needy.filter((name) => !caught.has(name)),
      [],
    );
  });

  test('tells the seed of a history that failed, which repeats it', async () => {
    const [mutant] = Object.values(JOURNAL_CRASH_MUTANTS);
    assert.ok(mutant !== undefined);
    const failures: string[] = [];
    let seed = 77;
    for (let run = 0; run < 3; run += 1) {
      const history = suiteFor(mutant.Store, { seed }).cases.find(({ name }) => name.includes('history of writes and'));
      await history?.run().catch((error: Error) => failures.push(error.message));
      seed = Number(/`seed: (\d+)`/.exec(failures.at(-1) ?? '')?.[1]);
    }
    assert.equal(failures.length, 3);
    assert.equal(new Set(failures).size, 1, 'equal seeds fail in different ways');
  });
});

function suiteFor(
  Store: typeof JournalLogStore,
  options: { readonly seed?: number; readonly capabilities?: readonly PlaceCapability[] } = {},
): ConformanceSuite {
  return logStoreSuite({
    persistent: true,
    capabilities: CAPABILITIES,
    create: () => journalPlace(Store),
    ...options,
  });
}
