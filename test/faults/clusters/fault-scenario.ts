/** One fault, what is expected of the node that meets it, and what came of it. */
import assert from 'node:assert/strict';
import { FatalError } from '../../../src/errors.ts';
import type { ConsensusConfig } from '../../../src/runtime/config.ts';
import type { FaultMember } from './fault-cluster.ts';
import { causesOf, FaultCluster } from './fault-cluster.ts';

export type FaultRole = 'leader' | 'follower';

/**
 * - `stops`: for good, with an error that names the cause.
 * - `steps down`: it runs on, but does not lead any more.
 * - `goes on`: as what it was.
 * - `starts again`, `does not start`: after its process ended.
 * - `is refused`: it starts, but the others don't take it for the node it was.
 */
export type FaultOutcome = 'stops' | 'steps down' | 'goes on' | 'starts again' | 'does not start' | 'is refused';

/** What a scenario saw itself; what it leaves out is seen on the node. */
export interface FaultSeen {
  readonly outcome?: FaultOutcome;
  /** That the node met, and did not stop for. */
  readonly error?: unknown;
}

export interface FaultScenario {
  readonly fault: string;
  readonly roles: readonly FaultRole[];
  readonly config?: Partial<ConsensusConfig>;
  readonly expected: FaultOutcome | Readonly<Record<FaultRole, FaultOutcome>>;
  /** What the error must name; `null` when there is none. */
  readonly cause: RegExp | null;
  /** Chance decides what is left: so it is tried as often. Default 1. */
  readonly repeats?: number;
  provoke(cluster: FaultCluster, victim: FaultMember): Promise<FaultSeen>;
  /** What brings the node back: its disk being well again, a new start, or another node in its place. */
  readonly repair: 'none' | 'restart' | 'replace';
}

export interface FaultRow {
  readonly fault: string;
  readonly role: FaultRole;
  readonly did: string;
  readonly repair: string;
  readonly acknowledged: number;
  readonly lost: number;
}

/**
 * Lets one node of three meet the fault, and checks what it did; that nothing was acknowledged in its name which it does
 * not hold; that the others carry on; and that after the repair all three hold everything that was acknowledged.
 * @throws AssertionError
 */
export async function runFaultScenario(scenario: FaultScenario, role: FaultRole): Promise<FaultRow> {
  let acknowledged = 0;
  let did = '';
  for (let seed = 1; seed <= (scenario.repeats ?? 1); seed += 1) {
    const cluster = new FaultCluster(scenario.config, seed);
    did = await runOnce(scenario, role, cluster);
    acknowledged += cluster.acknowledged.length;
    assert.deepEqual(cluster.lost(), []);
  }
  return { fault: scenario.fault, role, did, repair: scenario.repair, acknowledged, lost: 0 };
}

/** Resolves with what the node did. */
async function runOnce(scenario: FaultScenario, role: FaultRole, cluster: FaultCluster): Promise<string> {
  await cluster.form();
  await cluster.write(5);
  const leader = await cluster.leader();
  const victim = role === 'leader' ? leader : cluster.followersOf(leader)[0];
  assert.ok(victim !== undefined);
  const seen = await scenario.provoke(cluster, victim);
  assert.ok(victim.disk.wasHit, 'the fault met no operation');
  const outcome = seen.outcome ?? outcomeOf(victim, role);
  const cause = causesOf(seen.error ?? fatalErrorOf(victim));
  const expected = typeof scenario.expected === 'string' ? scenario.expected : scenario.expected[role];
  assert.equal(outcome, expected, `it ${outcome}: ${cause}`);
  assert.match(cause, scenario.cause ?? /^$/);
  checkAcknowledgements(cluster, victim);
  const isOut = outcome !== 'goes on' && outcome !== 'starts again';
  await cluster.write(3, isOut ? cluster.others(victim) : undefined);
  victim.disk.heal();
  if (scenario.repair === 'restart') await cluster.start(victim.id, victim.disk);
  if (scenario.repair === 'replace') await cluster.replace(victim.id);
  await cluster.write(3);
  await cluster.settle();
  await cluster.close();
  return cause === '' ? outcome : `${outcome}: ${cause}`;
}

function outcomeOf(victim: FaultMember, role: FaultRole): FaultOutcome {
  if (fatalErrorOf(victim) !== null) return 'stops';
  return role === 'leader' && !victim.node.isLeader() ? 'steps down' : 'goes on';
}

function fatalErrorOf({ node }: FaultMember): FatalError | null {
  const { stopped } = node.metrics();
  return stopped instanceof FatalError ? stopped : null;
}

/** What its leader believes that the node holds must be on the node's disk. */
function checkAcknowledgements(cluster: FaultCluster, { id, disk }: FaultMember): void {
  const heldIndex = disk.lastIndex();
  for (const { node } of cluster.running) {
    const matchIndex = node.metrics().replication?.get(id)?.matchIndex ?? 0;
    assert.ok(matchIndex <= heldIndex, `node ${id} was believed to hold ${matchIndex}, but holds ${heldIndex}`);
  }
}
