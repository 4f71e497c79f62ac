/** Runs a conformance suite and tells which cases failed: for adapters that are broken on purpose. */
import assert from 'node:assert/strict';
import type { ConformanceSuite } from '../../../src/testing/conformance/conformance-suite.ts';

/** The names of the cases that failed, in the order of the suite. */
export async function failingCases(suite: ConformanceSuite): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of suite) {
    await run().catch(() => failed.push(name));
  }
  return failed;
}

/** A broken adapter must fail each of these cases, which are about what is broken. */
export async function expectCaught(suite: ConformanceSuite, caughtBy: readonly string[]): Promise<void> {
  const cases = suite.cases.filter(({ name }) => caughtBy.includes(name));
  assert.equal(cases.length, caughtBy.length, 'a case with this name is missing');
  for (const { name, run } of cases) {
    await assert.rejects(run, `'${name}' did not fail`);
  }
}
