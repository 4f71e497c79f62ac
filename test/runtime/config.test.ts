import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '../../src/errors.ts';
import type { ConsensusConfig } from '../../src/runtime/config.ts';
import { DEFAULT_CONFIG, resolveConfig } from '../../src/runtime/config.ts';

function problemsOf(config: object): string[] {
  try {
    // What a user without a type checker may pass.
    resolveConfig(config as Partial<ConsensusConfig>);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    assert.ok(error.problems.every(({ field }) => error.message.includes(field)));
    return error.problems.map(({ field }) => field).sort();
  }
  return [];
}

test('nothing given is the defaults, and what is given replaces them', () => {
  assert.deepEqual(resolveConfig(), DEFAULT_CONFIG);
  const config = resolveConfig({ heartbeatIntervalMs: 100, clusterName: 'mine' });
  assert.deepEqual(config, { ...DEFAULT_CONFIG, heartbeatIntervalMs: 100, clusterName: 'mine' });
  assert.ok(Object.isFrozen(config));
});

test('one error names every problem: wrong values, unknown fields and conflicts', () => {
  const config = {
    maxPayloadEntries: 0,
    clusterName: '',
    preVote: 'yes',
    clockDriftBound: 1,
    heartBeatInterval: 5,
    electionTimeoutMinMs: 4000,
    maxRequestBytes: 100,
    maxUncommittedBytes: 50,
  };
  assert.deepEqual(problemsOf(config), [
    'clockDriftBound',
    'clusterName',
    'electionTimeoutMinMs',
    'heartBeatInterval',
    'maxPayloadEntries',
    'maxRequestBytes',
    'preVote',
  ]);
});

test('a field that is wrong by itself is not also in conflict', () => {
  assert.deepEqual(problemsOf({ electionTimeoutMinMs: -1 }), ['electionTimeoutMinMs']);
  assert.deepEqual(problemsOf({ electionTimeoutMaxMs: Number.NaN }), ['electionTimeoutMaxMs']);
});

test('every number is checked: no fractions, no text, nothing infinite', () => {
  const numbers = Object.entries(DEFAULT_CONFIG).filter(([, value]) => typeof value === 'number');
  assert.ok(numbers.length > 10);
  for (const [field] of numbers) {
    for (const value of ['5', Number.NaN, Number.POSITIVE_INFINITY, -1, null]) {
      assert.ok(problemsOf({ [field]: value }).includes(field), `${field} = ${String(value)} passes`);
    }
  }
});

test('each problem says field, value and rule', () => {
  assert.throws(
    () => resolveConfig({ heartbeatIntervalMs: 1500 }),
    (error) => {
      assert.ok(error instanceof ConfigError);
      const [problem] = error.problems;
      assert.deepEqual([problem?.field, problem?.value], ['heartbeatIntervalMs', 1500]);
      assert.match(problem?.rule ?? '', /less than electionTimeoutMinMs \(1500\)/);
      return true;
    },
  );
});
