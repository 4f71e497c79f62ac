/** The configuration is checked as a whole. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import type { ConsensusConfig } from '../../src/runtime/config.ts';
import { DEFAULT_CONFIG, resolveConfig } from '../../src/runtime/config.ts';

function problemsOf(config: Partial<ConsensusConfig>): readonly string[] {
  try {
    resolveConfig(config);
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    assert.ok(error.problems.every(({ rule }) => rule.length > 0));
    return error.problems.map(({ field }) => field);
  }
}

describe('configuration', () => {
  test('Y-16 the defaults are those of the Rust crate', () => {
    const { electionTimeoutMinMs, electionTimeoutMaxMs, heartbeatIntervalMs, ...rest } = resolveConfig();
    assert.deepEqual([electionTimeoutMinMs, electionTimeoutMaxMs, heartbeatIntervalMs], [1500, 3000, 200]);
    assert.deepEqual(
      [rest.snapshotLogsSinceLast, rest.maxPayloadEntries, rest.maxInSnapshotLogToKeep],
      [10_000, 300, 1000],
    );
    assert.deepEqual([rest.clusterName, rest.rpcTimeoutMs, rest.snapshotTimeoutMs], ['zlayer', 5000, 60_000]);
    assert.deepEqual(resolveConfig({}), DEFAULT_CONFIG);
  });

  test('Y-16 timeouts that contradict each other are refused', () => {
    assert.deepEqual(problemsOf({ electionTimeoutMinMs: 1000, electionTimeoutMaxMs: 700 }), ['electionTimeoutMinMs']);
    assert.deepEqual(problemsOf({ electionTimeoutMinMs: 1000, electionTimeoutMaxMs: 1000 }), ['electionTimeoutMinMs']);
    const slowHeartbeat = { electionTimeoutMinMs: 1000, electionTimeoutMaxMs: 2000, heartbeatIntervalMs: 1500 };
    assert.deepEqual(problemsOf(slowHeartbeat), ['heartbeatIntervalMs']);
    assert.deepEqual(problemsOf({ maxPayloadEntries: 0 }), ['maxPayloadEntries']);
  });

  test('a resolved configuration cannot be changed', () => {
    assert.ok(Object.isFrozen(resolveConfig({ heartbeatIntervalMs: 100 })));
  });
});
