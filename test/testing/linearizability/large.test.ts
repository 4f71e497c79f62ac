/** Histories of the size that a test with real clients records. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkLinearizability } from '../../../src/testing/linearizability/check-linearizability.ts';
import { keyValueModel } from '../../../src/testing/linearizability/models/key-value.ts';
import { isExplainedBy } from './brute-force.ts';
import type { StoreOperation } from './large-histories.ts';
import { largeHistory } from './large-histories.ts';

const shapes = [
  { name: '15 clients, all outcomes known', clients: 15, unknown: 0, keys: 5 },
  { name: '20 clients, 5 % of unknown outcome', clients: 20, unknown: 0.05, keys: 5 },
  { name: '20 clients, 10 % of unknown outcome', clients: 20, unknown: 0.1, keys: 5 },
  { name: '10 clients on one key, 2 % of unknown outcome', clients: 10, unknown: 0.02, keys: 1 },
  { name: '15 clients, 1 % lists, 2 % of unknown outcome', clients: 15, unknown: 0.02, keys: 5, lists: 0.01 },
];

describe('10,000 operations', () => {
  for (const [seed, { name, ...shape }] of shapes.entries()) {
    const operations = largeHistory({ seed, operations: 10_000, ...shape });

    test(`of ${name} are found linearizable, with an order`, () => {
      const result = checkLinearizability(operations, keyValueModel());
      assert.equal(result.verdict, 'linearizable');
      const own = keyValueModel().partition?.(operations) ?? [];
      for (const { partition, order } of result.linearizations) {
        const ofPartition = own.find((candidate) => candidate.name === partition)?.operations ?? [];
        assert.ok(isExplainedBy(new Set(ofPartition), order, keyValueModel()), partition);
      }
    });

    test(`of ${name} with one stale read are a violation, reduced to a few`, () => {
      const { operations: changed, value } = withStaleRead(operations);
      const result = checkLinearizability(changed, keyValueModel());
      assert.equal(result.verdict, 'violation');
      const { violation } = result;
      assert.ok(violation.isMinimal && violation.conflict <= 5 && violation.operations.length <= 16);
      const stuck = violation.operations.filter(({ role }) => role === 'stuck');
      assert.equal(stuck.length, 1);
      assert.match(stuck[0]?.label ?? '', new RegExp(`→ ${value}$`));
    });
  }
});

/** Lets a late read answer what the key had long before. */
function withStaleRead(operations: readonly StoreOperation[]): {
  readonly operations: readonly StoreOperation[];
  readonly value: unknown;
} {
  const isRead = ({ type, input }: StoreOperation): boolean => type === 'ok' && input.type === 'get';
  const victim = operations.findLast((operation, index) => index < operations.length * 0.8 && isRead(operation));
  const source = operations.findLast(({ type, input, callAt }) => {
    const isEarly = callAt < (victim?.callAt ?? 0) - 300;
    return (
      type === 'ok' && isEarly && input.type === 'put' && victim?.input.type === 'get' && input.key === victim.input.key
    );
  });
  const value = source?.input.type === 'put' ? source.input.value : null;
  const changed = operations.map((operation) => {
    return operation === victim && operation.type === 'ok' ? { ...operation, output: value } : operation;
  });
  return { operations: changed, value };
}
