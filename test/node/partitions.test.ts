/** Continuous writes through all nodes, while the leader is cut off again and again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeId } from '../../src/core/ids.ts';
import { ConsensusError } from '../../src/errors.ts';
import type { Cluster } from '../support/cluster.ts';
import { startCluster } from '../support/cluster.ts';
import { seededRandom } from '../support/core-kit.ts';

const SEED = 20_031;
const ROUNDS = 6;

/** What the clients were told about each write, by its number. */
class Ledger {
  readonly acknowledged = new Set<number>();
  readonly refused = new Set<number>();
  readonly unknown = new Set<number>();
  #last = 0;

  async write(cluster: Cluster, id: NodeId): Promise<void> {
    this.#last += 1;
    const value = this.#last;
    try {
      await cluster.node(id).propose({ key: `of ${id}`, value }, { timeoutMs: 1500 });
      this.acknowledged.add(value);
    } catch (error) {
      assert.ok(ConsensusError.is(error), String(error));
      (error.retry === 'safe' ? this.refused : this.unknown).add(value);
    }
  }
}

/** Cuts the leader, perhaps with one follower, off from the rest. Returns who is left. */
async function cutOff(cluster: Cluster, random: () => number): Promise<readonly NodeId[]> {
  const leader = (await cluster.leader()).nodeId;
  const others = cluster.ids.filter((id) => id !== leader);
  const companion = random() < 0.5 ? [] : [others[Math.floor(random() * others.length)] ?? leader];
  const minority = [leader, ...companion];
  const majority = cluster.ids.filter((id) => !minority.includes(id));
  for (const inside of minority) for (const outside of majority) cluster.cut(inside, outside);
  return majority;
}

test(`I-03 acknowledged writes survive partitions of the leader, each exactly once (seed ${SEED})`, async (t) => {
  const cluster = await startCluster(t, { ids: [1, 2, 3, 4, 5], config: { snapshotLogsSinceLast: 0 } });
  const random = seededRandom(SEED);
  const ledger = new Ledger();
  let isOver = false;
  const clients = cluster.ids.map(async (id) => {
    while (!isOver) await ledger.write(cluster, id);
  });
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = ledger.acknowledged.size;
    const majority = await cutOff(cluster, random);
    const leader = await cluster.leader(majority);
    await leader.wait().metrics(() => ledger.acknowledged.size > before + 20, 'writes to go on');
    cluster.heal();
  }
  isOver = true;
  await Promise.all(clients);

  const leader = await cluster.leader();
  await leader.propose({ key: 'last', value: 0 });
  const { lastLogIndex } = leader.metrics();
  await cluster.applied(lastLogIndex);
  const journals = cluster.ids.map((id) =>
    cluster
      .member(id)
      .journal.map(({ request, context }) => `${context.logId.term}:${context.logId.index} ${request.value}`),
  );
  for (const journal of journals) assert.deepEqual(journal, journals[0]);
  const states = cluster.ids.map((id) => [...cluster.member(id).stateMachine.state]);
  for (const state of states) assert.deepEqual(state, states[0]);

  const values = cluster.member(1).journal.map(({ request }) => Number(request.value));
  const applied = new Set(values);
  assert.equal(applied.size, values.length, 'nothing is applied twice');
  for (const value of ledger.acknowledged) assert.ok(applied.has(value), `write ${value} was acknowledged and is lost`);
  for (const value of ledger.refused) assert.ok(!applied.has(value), `write ${value} was refused and is applied`);
  assert.ok(ledger.unknown.size > 0, 'the partitions hit writes under way');
});
