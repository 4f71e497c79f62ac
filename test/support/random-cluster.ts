/**
 * A cluster of cores under random load and faults, with the safety oracle looking on. Everything that happens follows
 * from the seed, so that any failure can be replayed.
 */
import assert from 'node:assert/strict';
import type { Effect } from '../../src/core/effect.ts';
import type { NodeId } from '../../src/core/ids.ts';
import type { Input } from '../../src/core/input.ts';
import type { Message } from '../../src/core/message.ts';
import type { CoreOptions } from '../../src/core/options.ts';
import { ELECTION_MAX_MS, nodesOf, seededRandom } from './core-kit.ts';
import type { Envelope } from './core-node.ts';
import { TestNode } from './core-node.ts';
import { RequestLedger } from './request-ledger.ts';
import { SafetyOracle, SafetyViolation } from './safety-oracle.ts';

const POOL_MAX = 400;

/** Messages that may cross a network again and again without any time passing, before it is called a loop. */
const DELIVERIES_MAX = 20_000;

interface LocalClock {
  nowMs: number;
  readonly rate: number;
  readonly offsetMs: number;
}

export class RandomCluster {
  readonly nodes: Map<NodeId, TestNode> = new Map();
  readonly oracle: SafetyOracle;
  readonly ledger: RequestLedger;
  readonly random: () => number;
  /** Under way, oldest first. */
  pool: Envelope[] = [];
  readonly cuts: Set<string> = new Set();
  nowMs = 0;
  /** Part of the messages that are lost while the cluster heals. */
  #lossRate = 0;
  readonly #clocks = new Map<NodeId, LocalClock>();
  readonly #seen = new Map<NodeId, string>();
  readonly trace: (line: string) => void;

  constructor(seed: number, trace: (line: string) => void = () => {}) {
    this.random = seededRandom(seed);
    this.trace = trace;
    const options = this.#options();
    const size = 3 + this.below(4);
    this.trace(`${size} nodes, ${JSON.stringify(options)}`);
    for (let id = 1; id <= size; id += 1) this.#addNode(id, seed, options);
    this.oracle = new SafetyOracle(this.nodes);
    this.ledger = new RequestLedger(this.oracle);
    const voters = this.ids.filter((id) => id === 1 || this.chance(0.7));
    this.act(1, () => this.node(1).step({ type: 'initialize', id: 0, nodes: nodesOf(voters) }));
  }

  get ids(): NodeId[] {
    return [...this.nodes.keys()];
  }

  node(id: NodeId): TestNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  alive(): TestNode[] {
    return [...this.nodes.values()].filter((node) => node.isAlive);
  }

  leaders(): TestNode[] {
    return this.alive().filter((node) => node.role === 'leader');
  }

  // Chance.

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  #options(): Partial<CoreOptions> {
    return {
      preVote: this.chance(0.8),
      checkQuorum: this.chance(0.8),
      leaseReads: this.chance(0.5),
      maxPayloadEntries: this.pick([1, 2, 5, 300]),
      maxPayloadBytes: this.pick([60, 200, 1_000_000]),
      maxInflightAppends: this.pick([1, 2, 4, 16]),
      maxInflightBytes: this.pick([100, 16_000_000]),
      maxUncommittedBytes: this.pick([300, 1_000_000]),
      maxInSnapshotLogToKeep: this.pick([0, 2, 10]),
      maxPendingReads: this.pick([2, 1000]),
    };
  }

  #addNode(id: NodeId, seed: number, options: Partial<CoreOptions>): void {
    // Within the drift bound of a lease, 0.1 by default.
    const clock = { nowMs: 0, rate: 0.96 + this.random() * 0.08, offsetMs: this.below(1000) };
    clock.nowMs = clock.offsetMs;
    const own = { ...options, random: seededRandom(seed * 31 + id) };
    const node = new TestNode({ id, clock, options: own });
    this.#clocks.set(id, clock);
    this.nodes.set(id, node);
    node.onEffect = (effect: Effect) => this.ledger.onEffect(node, effect);
  }

  // Time.

  /** Each node sees time pass at its own pace. */
  pass(ms: number): void {
    this.nowMs += ms;
    for (const clock of this.#clocks.values()) clock.nowMs = Math.floor(clock.offsetMs + this.nowMs * clock.rate);
  }

  tickDue(probability: number): void {
    for (const node of this.alive()) {
      const isDue = node.core.deadlineMs <= node.clock.nowMs || node.core.hasNotice;
      if (isDue && this.chance(probability)) this.act(node.id, () => node.tick());
    }
  }

  // Nodes.

  /** Does something with a node, then looks what became of everything. */
  act(id: NodeId, action: () => void): void {
    action();
    this.settle(this.node(id));
  }

  settle(...touched: TestNode[]): void {
    for (const node of touched) {
      for (const envelope of node.takeOutbox()) {
        this.oracleSees(node);
        this.oracle.sent(envelope);
        this.pool.push(envelope);
      }
      this.oracleSees(node);
    }
    for (const node of this.leaders()) this.#checkLease(node);
    while (this.pool.length > POOL_MAX) this.lose(this.take(this.below(this.pool.length)));
  }

  oracleSees(node: TestNode): void {
    const version = `${node.history.length} ${node.isAlive} ${node.disk.writes}`;
    if (this.#seen.get(node.id) === version) return;
    this.#seen.set(node.id, version);
    this.oracle.observe(node);
  }

  /** While a lease lasts nobody else leads. */
  #checkLease(node: TestNode): void {
    if (!node.options.leaseReads || node.core.leaseUntilMs() <= node.clock.nowMs) return;
    const other = this.leaders().find(({ term }) => term > node.term);
    if (other !== undefined) {
      throw new SafetyViolation('leader lease', `${node.id} of ${node.term} has a lease, ${other.id} leads`);
    }
  }

  crash(node: TestNode): void {
    node.crash();
    this.ledger.onCrash(node.id);
    this.settle(node);
    // Streams to it break.
    for (const leader of this.leaders()) {
      const { role } = leader.core.state;
      const progress = role.name === 'leader' ? role.leader.progress.get(node.id) : undefined;
      if (progress?.state === 'snapshot') this.#streamFailed(leader, node.id, progress.session);
    }
  }

  restart(node: TestNode): void {
    node.restart();
    this.settle(node);
  }

  // Messages.

  take(position: number): Envelope {
    const [envelope] = this.pool.splice(position, 1);
    if (envelope === undefined) throw new Error(`nothing under way at ${position}`);
    return envelope;
  }

  isReachable({ from, to }: Envelope): boolean {
    return this.nodes.get(to)?.isAlive === true && !this.cuts.has(`${from}>${to}`);
  }

  /** A lost stream, or a lost answer to one, is noticed by its sender; a lost message is not. */
  lose({ from, to, cargo }: Envelope): void {
    if (cargo.type !== 'message') this.#streamFailed(this.node(from), to, cargo.offer.session);
    else if (cargo.message.type === 'snapshot-response') {
      this.#streamFailed(this.node(to), from, cargo.message.session);
    }
  }

  #streamFailed(sender: TestNode, to: NodeId, session: number): void {
    if (!sender.isAlive) return;
    this.act(sender.id, () => sender.step({ type: 'snapshot-send-failed', to, session }));
  }

  deliver(envelope: Envelope): void {
    if (!this.isReachable(envelope)) {
      this.lose(envelope);
      return;
    }
    const { from, to, cargo } = envelope;
    const target = this.node(to);
    this.act(to, () => {
      if (cargo.type === 'message') target.receive(from, this.#maybeCut(cargo.message));
      else if (cargo.type === 'snapshot') target.receiveSnapshot(from, cargo.offer, cargo.snapshot);
      else if (target.receiveOffer(from, cargo.offer))
        this.pool.push({ from, to, cargo: { ...cargo, type: 'snapshot' } });
    });
  }

  /** A runtime puts in as many entries as fit, which it may know better than the core. */
  #maybeCut(message: Extract<Input, { type: 'message' }>['message']): typeof message {
    if (message.type !== 'append-request' || message.entries.length < 2 || !this.chance(0.1)) return message;
    return { ...message, entries: message.entries.slice(0, 1 + this.below(message.entries.length - 1)) };
  }

  /** Delivers messages of some types only, and what is answered to them. */
  deliverSome(limit: number, isWanted: (type: Message['type']) => boolean): void {
    for (let count = 0; count < limit; count += 1) {
      const position = this.pool.findIndex(({ cargo }) => cargo.type === 'message' && isWanted(cargo.message.type));
      if (position === -1) return;
      this.deliver(this.take(position));
    }
  }

  /** Until there is a leader: most of what is of interest happens only then. */
  warmUp(): void {
    this.#runUntil(() => this.leaders().length > 0, 'no leader at the start');
  }

  /** What waits for one node, some of it and perhaps out of order, as the inputs of one batch. */
  takeInputsFor(id: NodeId, limit: number): Input[] {
    const inputs: Input[] = [];
    for (let position = 0; position < this.pool.length && inputs.length < limit; ) {
      const envelope = this.pool[position];
      const cargo = envelope?.cargo;
      const isWanted = envelope?.to === id && cargo?.type === 'message' && this.isReachable(envelope);
      if (isWanted && this.chance(0.8)) {
        this.pool.splice(position, 1);
        inputs.push({ type: 'message', from: envelope.from, message: this.#maybeCut(cargo.message), token: 0 });
      } else position += 1;
    }
    return inputs;
  }

  // The healed phase.

  /** Ends all faults, but perhaps some loss; then a leader must be elected, everything must converge, and a new request must be applied. */
  heal(): void {
    this.trace('heal');
    this.cuts.clear();
    this.#lossRate = this.chance(0.3) ? 0.2 : 0;
    for (const node of this.nodes.values()) {
      if (!node.isAlive) this.restart(node);
      this.act(node.id, () => {
        node.releaseDisk();
        node.releaseApply();
      });
    }
    this.#runUntil(() => this.#settledLeader() !== null, 'no settled leader');
    const text = 'the last request';
    let proposedBy: TestNode | null = null;
    this.#runUntil(() => {
      if (proposedBy !== this.#settledLeader()) proposedBy = null;
      const leader = proposedBy ?? this.#settledLeader();
      if (leader === null) return false;
      if (proposedBy === null) this.act(leader.id, () => this.ledger.propose(leader, text));
      proposedBy = leader;
      return this.#members(leader).every((node) => node.appliedTexts.at(-1) === text);
    }, 'the members do not converge');
    // A node outside the cluster hears of nothing, and gives up only when its deadlines have passed.
    const restMs = this.nowMs + 3 * ELECTION_MAX_MS;
    this.#runUntil(() => this.nowMs > restMs, 'time stands still');
    this.ledger.assertAllAnswered();
  }

  #members(leader: TestNode): TestNode[] {
    return [...leader.core.state.membership.effective.membership.nodes.keys()].map((id) => this.node(id));
  }

  /** Leads a finished membership, and all its members follow and have applied everything. */
  #settledLeader(): TestNode | null {
    const settled = this.leaders().find((leader) => {
      const { membership, transfer, commitIndex, log } = leader.core.state;
      const isDecided = membership.committed === membership.effective && transfer === null;
      return (
        isDecided &&
        membership.effective.membership.configs.length === 1 &&
        commitIndex === log.lastIndex &&
        this.#members(leader).every((node) => node.term === leader.term && node.appliedIndex === commitIndex)
      );
    });
    return settled ?? null;
  }

  #runUntil(condition: () => boolean, complaint: string): void {
    // With loss, an election that needs four votes out of four takes many attempts.
    const endMs = this.nowMs + (this.#lossRate === 0 ? 60_000 : 600_000);
    while (!condition()) {
      assert.ok(this.nowMs < endMs, `${complaint}: ${this.describe()}`);
      this.deliverAll();
      this.pass(10);
      this.tickDue(1);
    }
  }

  deliverAll(): void {
    let deliveries = 0;
    for (;;) {
      while (this.pool.length > 0) {
        deliveries += 1;
        if (this.chance(this.#lossRate)) {
          this.lose(this.take(0));
          continue;
        }
        assert.ok(deliveries < DELIVERIES_MAX, `the cluster never comes to rest: ${this.describe()}`);
        this.deliver(this.take(0));
      }
      const noticing = this.alive().filter((node) => node.core.hasNotice);
      if (noticing.length === 0) return;
      for (const node of noticing) this.act(node.id, () => node.tick());
    }
  }

  describe(): string {
    const lines = [...this.nodes.values()].map((node) => {
      const { membership, log, leaderId } = node.core.state;
      const { configs } = membership.effective.membership;
      const state = node.isAlive ? node.role : 'down';
      const last = log.lastLogId();
      return `${node.id} ${state} term ${node.term} of ${leaderId} last ${last.term}:${last.index} commit ${
        node.commitIndex
      } applied ${node.appliedIndex} ${JSON.stringify(configs)}`;
    });
    return lines.join('; ');
  }
}
