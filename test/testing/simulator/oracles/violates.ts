/** Asserts that something is a violation of a property. */
import assert from 'node:assert/strict';
import { SafetyViolation } from '../../../../src/testing/simulator/oracles/oracle.ts';

export function assertViolates(property: string, act: () => void): void {
  assert.throws(act, (error) => error instanceof SafetyViolation && error.property === property);
}
