/** Three whole nodes on one virtual clock, each with a disk that can fail, and an account of what they acknowledged. */
import assert from 'node:assert/strict';
import type { NodeId } from '../../../src/core/ids.ts';
import { ConsensusError, FatalError } from '../../../src/errors.ts';
import { MemHub } from '../../../src/network/memory/index.ts';
import type { ConsensusNode } from '../../../src/node/consensus-node.ts';
import { ConsensusNodeBuilder } from '../../../src/node/consensus-node-builder.ts';
import type { ConsensusConfig } from '../../../src/runtime/config.ts';
import type { NodeEvent } from '../../../src/runtime/events.ts';
import { MemStateMachine } from '../../../src/storage/memory/index.ts';
import type { Watched } from '../../support/fake-node.ts';
import { watch } from '../../support/fake-node.ts';
import { SeededRandom } from '../../support/fake-ports.ts';
import { FakeTime } from '../../support/fake-time.ts';
import { FaultDisk } from './fault-disk.ts';

type Node = ConsensusNode<string, number>;
type Machine = MemStateMachine<string[], string, number>;

export interface FaultMember {
  readonly id: NodeId;
  readonly disk: FaultDisk;
  readonly node: Node;
  readonly machine: Machine;
  readonly events: NodeEvent[];
}

const FIRST_ID: NodeId = 1;
const OTHER_IDS: readonly NodeId[] = [2, 3];

const CONFIG: Partial<ConsensusConfig> = Object.freeze({
  clusterName: 'faults',
  heartbeatIntervalMs: 50,
  electionTimeoutMinMs: 300,
  electionTimeoutMaxMs: 600,
  proposeTimeoutMs: 5000,
  rpcTimeoutMs: 500,
  // Snapshots are built when a test says so.
  snapshotLogsSinceLast: 0,
  maxInSnapshotLogToKeep: 0,
});

/** Longer than any node waits for anything. */
const LIMIT_MS = 60_000;

export class FaultCluster {
  readonly time: FakeTime = new FakeTime();
  readonly hub: MemHub;
  /** Requests whose proposer was told that they are applied. */
  readonly acknowledged: string[] = [];
  readonly #config: Partial<ConsensusConfig>;
  readonly #random: SeededRandom;
  readonly #members = new Map<NodeId, FaultMember>();
  #requestCount = 0;

  constructor(config: Partial<ConsensusConfig> = {}, seed: number = 1) {
    this.#config = { ...CONFIG, ...config };
    this.#random = new SeededRandom(seed);
    this.hub = new MemHub({ timers: this.time, random: this.#random });
  }

  /** Forms the cluster as the documentation says; node 1 leads. */
  async form(): Promise<void> {
    const { node } = await this.start(FIRST_ID, new FaultDisk());
    await this.run(node.bootstrap());
    for (const id of OTHER_IDS) {
      await this.start(id, new FaultDisk());
      await this.run(node.addVoter(id, addressOf(id)));
    }
    await this.time.until(() => this.#areEven());
  }

  member(id: NodeId): FaultMember {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`there is no node ${id}`);
    return member;
  }

  get running(): readonly FaultMember[] {
    return [...this.#members.values()].filter(({ node }) => node.metrics().stopped === null);
  }

  /** Starts a process over this disk. @throws what the node throws */
  async start(id: NodeId, disk: FaultDisk): Promise<FaultMember> {
    const machine: Machine = new MemStateMachine<string[], string, number>({
      initialState: () => [],
      apply: (requests, request) => requests.push(request),
      timers: this.time,
    });
    const { logStore, snapshotStore } = disk.openStores();
    const built = new ConsensusNodeBuilder<string, number>(id, addressOf(id))
      .withConfig(this.#config)
      .withPorts({ clock: this.time, timers: this.time, random: this.#random })
      .withSnapshotStore(snapshotStore)
      .buildWith(logStore, machine, this.hub.network(addressOf(id)));
    const node = await this.run(built);
    const member: FaultMember = { id, disk, node, machine, events: [] };
    this.#collect(member);
    this.#members.set(id, member);
    return member;
  }

  /** Ends the process as a power failure does: what it had under way never ends, and nobody waits for it. */
  async powerFails({ id, node, disk }: FaultMember): Promise<void> {
    this.hub.isolate(addressOf(id));
    disk.powerFails(this.#random);
    node.raft.shutdown().catch(() => undefined);
    await this.time.runTurns();
    this.hub.heal(addressOf(id));
  }

  /** Somebody who leads, once there is one among these. */
  async leader(among: readonly NodeId[] = [...this.#members.keys()]): Promise<FaultMember> {
    const find = (): FaultMember | undefined =>
      among.map((id) => this.member(id)).find(({ node }) => node.metrics().stopped === null && node.isLeader());
    await this.time.until(() => find() !== undefined, LIMIT_MS);
    const found = find();
    assert.ok(found !== undefined);
    return found;
  }

  others({ id }: FaultMember): readonly NodeId[] {
    return [...this.#members.keys()].filter((other) => other !== id);
  }

  isolate({ id }: FaultMember): void {
    this.hub.isolate(addressOf(id));
  }

  heal(): void {
    this.hub.heal();
  }

  followersOf(leader: FaultMember): readonly FaultMember[] {
    return [...this.#members.values()].filter((member) => member !== leader);
  }

  /** Proposes to this node, without waiting for the outcome; an acknowledgement is noted whenever it comes. */
  propose({ node }: FaultMember, payloadBytes: number = 10): Watched<number> {
    this.#requestCount += 1;
    const request = `${this.#requestCount}:${'x'.repeat(payloadBytes)}`;
    const proposed = node.propose(request, { forward: false });
    proposed.then(
      () => this.acknowledged.push(request),
      () => undefined,
    );
    return watch(proposed);
  }

  /** Writes that must succeed. */
  async write(count: number, among?: readonly NodeId[]): Promise<void> {
    for (let left = count; left > 0; left -= 1) {
      const proposed = this.propose(await this.leader(among));
      await this.time.until(() => proposed.status() !== 'pending', LIMIT_MS);
      assert.equal(proposed.status(), 'fulfilled', 'the cluster does not take writes');
    }
  }

  /** Lets time pass until the promise settles. */
  async run<T>(promise: Promise<T>): Promise<T> {
    const watched = watch(promise);
    await this.time.until(() => watched.status() !== 'pending', LIMIT_MS);
    return await promise;
  }

  /** All nodes run and hold the same. */
  async settle(): Promise<void> {
    await this.time.until(() => this.#areEven(), LIMIT_MS);
  }

  /** Takes the node out and puts a new one, with an empty disk, in its place. */
  async replace(id: NodeId): Promise<void> {
    const old = this.member(id);
    const others = this.others(old);
    await this.run(old.node.raft.shutdown());
    const { node } = await this.leader(others);
    await this.run(node.removeMember(id));
    await this.start(id, new FaultDisk());
    const { node: leader } = await this.leader(others);
    await this.run(leader.addVoter(id, addressOf(id)));
  }

  /** Acknowledged requests that some node does not hold, or holds twice. */
  lost(): readonly string[] {
    return this.acknowledged.filter((request) =>
      [...this.#members.values()].some(({ machine }) => machine.state.filter((held) => held === request).length !== 1),
    );
  }

  async close(): Promise<void> {
    this.hub.heal();
    for (const { node } of this.#members.values()) await this.run(node.raft.shutdown());
  }

  #areEven(): boolean {
    const all = [...this.#members.values()].map(({ node }) => node.metrics());
    const [first] = all;
    return all.every(
      ({ stopped, lastApplied, lastLogIndex }) =>
        stopped === null && lastApplied.index === first?.lastLogIndex && lastLogIndex === first.lastLogIndex,
    );
  }

  #collect({ node, events }: FaultMember): void {
    const read = async (): Promise<void> => {
      for await (const event of node.events()) events.push(event);
    };
    read().catch(() => undefined);
  }
}

function addressOf(id: NodeId): string {
  return `n${id}:1`;
}

/** The messages of an error and of its causes; a fatal one only repeats its cause. */
export function causesOf(error: unknown): string {
  const causes: string[] = [];
  for (let next = error; next instanceof Error; next = next.cause) {
    if (next instanceof FatalError) continue;
    causes.push(ConsensusError.is(next) ? `${next.code} ${next.message}` : next.message);
  }
  return causes.join(' <- ');
}
