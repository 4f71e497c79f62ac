import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FaultCluster } from './fault-cluster.ts';
import { runFaultScenario } from './fault-scenario.ts';
import { FAULT_SCENARIOS, fieldsOf } from './fault-table.ts';

test('a write that some node lost, or applied twice, is noticed', async () => {
  const cluster = new FaultCluster();
  await cluster.form();
  await cluster.write(2);
  await cluster.settle();
  assert.deepEqual(cluster.lost(), []);
  const [first, second] = cluster.acknowledged;
  cluster.member(2).machine.state.shift();
  cluster.member(3).machine.state.push(second ?? '');
  assert.deepEqual(cluster.lost(), [first, second]);
  await cluster.close();
});

describe('a node of three whose disk fails', () => {
  for (const scenario of FAULT_SCENARIOS) {
    for (const role of scenario.roles) {
      test(`${role}: ${scenario.fault}`, async (t) => {
        const row = await runFaultScenario(scenario, role);
        assert.ok(row.acknowledged >= 11, `only ${row.acknowledged} writes were acknowledged`);
        assert.equal(row.lost, 0);
        t.diagnostic(fieldsOf(row).join(' | '));
      });
    }
  }
});
