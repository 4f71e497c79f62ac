import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RaftCore } from '../../../src/core/raft.ts';
import type { Watched } from '../../support/fake-node.ts';
import { FakeCluster, watch } from '../../support/fake-node.ts';
import { SeededRandom } from '../../support/fake-ports.ts';

/** Everything that three nodes do in a troubled life: each input, each effect and each message, as text. */
async function trace(seed: number): Promise<{ readonly lines: string[]; readonly answered: number }> {
  const lines: string[] = [];
  const config = { snapshotLogsSinceLast: 20, maxInSnapshotLogToKeep: 5, maxPayloadEntries: 8 };
  const cluster = await new FakeCluster({ seed, config }).form();
  const { time, hub } = cluster;
  for (const node of cluster.nodes.values()) {
    const { core } = node.runtime;
    const stepAll: RaftCore['stepAll'] = core.stepAll.bind(core);
    core.stepAll = (inputs, stepTime) => {
      const effects = stepAll(inputs, stepTime);
      lines.push(`${node.id} ${text(stepTime)} ${text(inputs)} -> ${text(effects)}`);
      return effects;
    };
  }
  hub.filter((envelope, message) => {
    lines.push(`${time.nowMs()} ${envelope.from}>${envelope.to} ${text(message)}`);
    return 'deliver';
  });
  hub.delay({ minMs: 1, maxMs: 12 });
  hub.duplicate(0.05);
  hub.drop(0.02);
  const random = new SeededRandom(seed);
  const answers: Watched<unknown>[] = [];
  for (let round = 0; round < 60; round += 1) {
    const ids = [1, 2, 3];
    const id = ids[Math.floor(random.next() * ids.length)] ?? 1;
    if (round % 20 === 10) hub.isolate(`n${id}:1`);
    if (round % 20 === 18) for (const other of ids) hub.heal(`n${other}:1`);
    const leader = [...cluster.nodes.values()].find(({ isLeader }) => isLeader);
    if (leader !== undefined) answers.push(watch(leader.propose(`${id}-${round}`)));
    await time.advance(20 + Math.floor(random.next() * 60));
  }
  hub.heal();
  await time.advance(3000);
  await cluster.close();
  for (const node of cluster.nodes.values()) lines.push(`${node.id} ${node.stateMachine.state.join(' ')}`);
  const states = [...cluster.nodes.values()].map(({ stateMachine }) => stateMachine.state);
  for (const state of states) assert.deepEqual(state, states[0]);
  return { lines, answered: answers.filter(({ result }) => result?.status === 'fulfilled').length };
}

function text(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (part instanceof Map ? [...part] : part));
}

test('rule 8 one seed gives one trace, byte by byte', async () => {
  const first = await trace(7);
  const second = await trace(7);
  assert.ok(first.lines.length > 1000 && first.answered > 20, `${first.lines.length} lines, ${first.answered} answers`);
  assert.equal(second.lines.length, first.lines.length);
  const difference = first.lines.findIndex((line, index) => line !== second.lines[index]);
  assert.equal(difference, -1, `line ${difference} differs: ${first.lines[difference]} / ${second.lines[difference]}`);
});

test('rule 8 another seed gives another trace', async () => {
  const first = await trace(7);
  const other = await trace(8);
  assert.notDeepEqual(other.lines, first.lines);
});
