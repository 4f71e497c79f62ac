/** What may happen to a random cluster, and how often: load, faults, and time. */
import type { NodeId } from '../../src/core/ids.ts';
import type { Input } from '../../src/core/input.ts';
import type { MembershipChange } from '../../src/core/membership/change.ts';
import { bytesOf, ELECTION_MAX_MS, ELECTION_MIN_MS, HEARTBEAT_MS, nodesOf } from './core-kit.ts';
import type { TestNode } from './core-node.ts';
import { RandomCluster } from './random-cluster.ts';

type Action = (cluster: RandomCluster) => void;

/** Runs one seed to its end; throws when anything is wrong. */
export function runRandomCluster(seed: number, steps: number, trace?: (line: string) => void): RandomCluster {
  const cluster = new RandomCluster(seed, trace);
  const mix = mixActions(cluster);
  if (cluster.chance(0.8)) cluster.warmUp();
  for (let step = 0; step < steps; step += 1) {
    const [name, , action] = chooseAction(cluster, mix);
    cluster.trace(`${step} ${name} at ${cluster.nowMs}`);
    action(cluster);
    cluster.trace(`  ${cluster.describe()}`);
  }
  cluster.heal();
  return cluster;
}

type WeightedAction = readonly [name: string, weight: number, action: Action];

const ACTIONS: readonly WeightedAction[] = [
  ['deliver', 50, deliver],
  ['deliver-batch', 30, deliverBatch],
  ['deliver-all', 3, (cluster) => cluster.deliverAll()],
  ['time', 20, passTime],
  ['propose', 12, (cluster) => onLeader(cluster, (node) => cluster.ledger.propose(node, ...texts(cluster)))],
  ['read', 5, (cluster) => onLeader(cluster, (node) => cluster.ledger.read(node, cluster.pick(POLICIES)))],
  ['change', 3, (cluster) => onLeader(cluster, (node) => changeMembership(cluster, node))],
  ['transfer', 1, (cluster) => onLeader(cluster, (node) => cluster.ledger.transfer(node, anyTarget(cluster)))],
  ['elect', 1, (cluster) => onAny(cluster, (node) => node.campaign())],
  ['usurp', 3, usurp],
  ['cut-off-leader', 3, cutOffLeader],
  ['duplicate', 3, duplicate],
  ['drop', 5, drop],
  ['crash', 1, crash],
  ['restart', 4, restart],
  ['partition', 0.5, partition],
  ['cut', 0.5, cut],
  ['heal-links', 3, (cluster) => cluster.cuts.clear()],
  ['hold-disk', 2, (cluster) => onAny(cluster, (node) => node.holdDisk())],
  ['write-some', 6, (cluster) => onAny(cluster, (node) => node.releaseDisk(1 + cluster.below(3)))],
  ['release-disk', 3, (cluster) => onAny(cluster, (node) => node.releaseDisk())],
  ['hold-apply', 1, (cluster) => onAny(cluster, (node) => node.holdApply())],
  ['release-apply', 2, (cluster) => onAny(cluster, (node) => node.releaseApply())],
  ['snapshot', 4, (cluster) => onAny(cluster, buildSnapshot)],
  ['purge', 1, (cluster) => onAny(cluster, (node) => node.step({ type: 'purge', upToIndex: cluster.below(100) }))],
  ['unreachable', 1, (cluster) => onLeader(cluster, (node) => loseTouch(cluster, node))],
  ['heartbeat', 1, (cluster) => onLeader(cluster, (node) => node.step({ type: 'heartbeat' }))],
  ['step-down', 0.3, (cluster) => onLeader(cluster, (node) => node.step({ type: 'step-down' }))],
];

const POLICIES = ['read-index', 'read-index', 'lease'] as const;

/** Every seed has a character of its own: some things happen often, others never. */
function mixActions(cluster: RandomCluster): readonly WeightedAction[] {
  return ACTIONS.map(([name, weight, action]) => {
    const isNeeded = action === deliver || action === deliverBatch || action === passTime;
    return [name, isNeeded ? weight : weight * cluster.pick(EMPHASES), action];
  });
}

const EMPHASES = [0, 0.3, 1, 1, 1, 4];

function chooseAction(cluster: RandomCluster, mix: readonly WeightedAction[]): WeightedAction {
  let left = cluster.random() * mix.reduce((sum, [, weight]) => sum + weight, 0);
  for (const weighted of mix) {
    left -= weighted[1];
    if (left < 0) return weighted;
  }
  return ['time', 0, passTime];
}

function onAny(cluster: RandomCluster, action: (node: TestNode) => void): void {
  const alive = cluster.alive();
  if (alive.length === 0) return;
  const node = cluster.pick(alive);
  cluster.act(node.id, () => action(node));
}

/** Mostly asks one that leads or thinks so; now and then anybody. */
function onLeader(cluster: RandomCluster, action: (node: TestNode) => void): void {
  const leaders = cluster.leaders();
  if (leaders.length === 0 || cluster.chance(0.05)) {
    onAny(cluster, action);
    return;
  }
  const node = cluster.pick(leaders);
  cluster.act(node.id, () => action(node));
}

function texts(cluster: RandomCluster): string[] {
  const count = 1 + cluster.below(3);
  return Array.from({ length: count }, () => `${cluster.below(1_000_000)}`);
}

function deliver(cluster: RandomCluster): void {
  for (let left = 1 + cluster.below(12); left > 0 && cluster.pool.length > 0; left -= 1) {
    cluster.deliver(cluster.take(cluster.chance(0.7) ? 0 : cluster.below(cluster.pool.length)));
  }
}

/** Several things happen to a node in one turn, in any order. */
function deliverBatch(cluster: RandomCluster): void {
  onAny(cluster, (node) => {
    const inputs: Input[] = cluster.takeInputsFor(node.id, 1 + cluster.below(6));
    const mix = (more: Input[]): void => {
      for (const input of more) inputs.splice(cluster.below(inputs.length + 1), 0, input);
    };
    if (cluster.chance(0.2)) mix([{ type: 'tick' }]);
    if (cluster.chance(0.2)) mix([{ type: 'propose', payloads: [bytesOf(`${cluster.below(1_000_000)}`)] }]);
    // Reports of writes keep their order.
    let position = 0;
    for (const report of cluster.chance(0.5) ? node.writeHeld(1 + cluster.below(3)) : []) {
      position += cluster.below(inputs.length + 1 - position);
      inputs.splice(position, 0, report);
      position += 1;
    }
    if (inputs.length > 0) node.stepAll(inputs);
  });
}

function passTime(cluster: RandomCluster): void {
  const longMs = ELECTION_MIN_MS + cluster.below(ELECTION_MAX_MS);
  cluster.pass(cluster.chance(0.05) ? longMs : cluster.pick([1, 10, HEARTBEAT_MS, HEARTBEAT_MS, 3 * HEARTBEAT_MS]));
  cluster.tickDue(0.9);
}

/** Nobody hears anything for a while; then somebody campaigns, who may well win. */
function usurp(cluster: RandomCluster): void {
  cluster.pass(ELECTION_MIN_MS + 100);
  onAny(cluster, (node) => node.campaign());
  if (cluster.chance(0.7))
    cluster.deliverSome(30, (message) => message.endsWith('vote-request') || message.endsWith('vote-response'));
}

/** A leader goes on with nobody, or with a single follower; what it appends may have to be replaced later. */
function cutOffLeader(cluster: RandomCluster): void {
  const leaders = cluster.leaders();
  if (leaders.length === 0) return;
  const { id } = cluster.pick(leaders);
  const companion = cluster.pick(cluster.ids);
  for (const other of cluster.ids) {
    if (other === companion || other === id) continue;
    cluster.cuts.add(`${id}>${other}`);
    if (cluster.chance(0.8)) cluster.cuts.add(`${other}>${id}`);
  }
}

function duplicate(cluster: RandomCluster): void {
  if (cluster.pool.length === 0) return;
  const envelope = cluster.pick(cluster.pool);
  if (envelope.cargo.type === 'message') cluster.pool.push(envelope);
}

function drop(cluster: RandomCluster): void {
  if (cluster.pool.length > 0) cluster.lose(cluster.take(cluster.below(cluster.pool.length)));
}

function crash(cluster: RandomCluster): void {
  const alive = cluster.alive();
  if (alive.length > 0) cluster.crash(cluster.pick(alive));
}

function restart(cluster: RandomCluster): void {
  const down = cluster.ids.map((id) => cluster.node(id)).filter((node) => !node.isAlive);
  if (down.length > 0) cluster.restart(cluster.pick(down));
}

function partition(cluster: RandomCluster): void {
  const side = new Map(cluster.ids.map((id) => [id, cluster.chance(0.5)]));
  for (const a of cluster.ids) {
    for (const b of cluster.ids) if (side.get(a) !== side.get(b)) cluster.cuts.add(`${a}>${b}`);
  }
}

function cut(cluster: RandomCluster): void {
  cluster.cuts.add(`${cluster.pick(cluster.ids)}>${cluster.pick(cluster.ids)}`);
}

function buildSnapshot(node: TestNode): void {
  const isInstalling = node.core.state.installing !== null;
  if (!isInstalling && node.appliedIndex > node.core.state.snapshot.index) node.buildSnapshot();
}

function loseTouch(cluster: RandomCluster, node: TestNode): void {
  node.step({ type: 'peer-unreachable', peer: cluster.pick(cluster.ids) });
}

function anyTarget(cluster: RandomCluster): NodeId | null {
  return cluster.chance(0.2) ? null : cluster.pick(cluster.ids);
}

function changeMembership(cluster: RandomCluster, node: TestNode): void {
  cluster.ledger.change(node, anyChange(cluster, node), cluster.chance(0.3));
}

/** One node more or less, or anything at all. */
function anyChange(cluster: RandomCluster, node: TestNode): MembershipChange {
  const id = cluster.pick(cluster.ids);
  const { configs } = node.core.state.membership.effective.membership;
  const voters = configs.at(-1) ?? [];
  const kind = cluster.below(5);
  if (kind === 0) return { type: 'add-nodes', nodes: nodesOf([id]) };
  if (kind === 1) return { type: 'remove-nodes', ids: [id] };
  if (kind === 2) return { type: 'remove-voters', ids: [id] };
  const wanted = kind === 3 ? [...voters, id] : cluster.ids.filter(() => cluster.chance(0.6));
  return {
    type: 'batch',
    changes: [
      { type: 'add-nodes', nodes: nodesOf(wanted) },
      { type: 'replace-all-voters', ids: wanted },
    ],
  };
}
