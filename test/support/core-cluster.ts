/** Several test nodes, a network that delivers in order what it is not told to cut or hold, and a virtual clock. */
import assert from 'node:assert/strict';
import type { NodeId } from '../../src/core/ids.ts';
import { isSameLogId } from '../../src/core/ids.ts';
import type { Message } from '../../src/core/message.ts';
import type { CoreOptions } from '../../src/core/options.ts';
import { seededRandom } from './core-kit.ts';
import type { Envelope, TestClock, TestNodeInit } from './core-node.ts';
import { TestNode } from './core-node.ts';

export interface ClusterInit {
  /** The voters; all nodes when not given otherwise. */
  readonly voters?: readonly NodeId[];
  readonly learners?: readonly NodeId[];
  /** For all nodes. */
  readonly options?: Partial<CoreOptions>;
  /** What single nodes have stored, or how their options differ; also adds nodes that are no members. */
  readonly nodes?: Readonly<Record<NodeId, TestNodeInit>>;
  readonly seed?: number;
}

/** Safety valve: a cluster that talks more than this without any time passing will never stop. */
const DELIVERIES_MAX = 100_000;

export class CoreCluster {
  readonly clock: TestClock = { nowMs: 0 };
  readonly nodes: Map<NodeId, TestNode> = new Map();
  /** Under way, oldest first. */
  pool: Envelope[] = [];
  /** Sees every envelope as it is sent; `false` loses it. */
  filter: (envelope: Envelope) => boolean = () => true;
  /** Sees every envelope at the end of its way. */
  onArrival: (envelope: Envelope, isLost: boolean) => void = () => {};
  readonly #cut = new Set<string>();
  readonly #held = new Set<string>();

  constructor({ voters, learners = [], options = {}, nodes = {}, seed = 1 }: ClusterInit) {
    const others = Object.keys(nodes).map(Number);
    const ids = [...new Set([...(voters ?? []), ...learners, ...others])].sort((a, b) => a - b);
    const stored = { voters: voters ?? ids.filter((id) => !learners.includes(id)), learners };
    for (const id of ids) {
      const own = nodes[id] ?? {};
      const random = seededRandom(seed * 1000 + id);
      const init = { ...stored, ...own, id, clock: this.clock, options: { random, ...options, ...own.options } };
      this.nodes.set(id, new TestNode(init));
    }
  }

  node(id: NodeId): TestNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`there is no node ${id}`);
    return node;
  }

  get ids(): NodeId[] {
    return [...this.nodes.keys()];
  }

  /** Leaders of the highest term that has one. */
  get leader(): TestNode | null {
    const leaders = [...this.nodes.values()].filter((node) => node.isAlive && node.role === 'leader');
    return leaders.reduce<TestNode | null>(
      (best, node) => (best === null || node.term > best.term ? node : best),
      null,
    );
  }

  // The network.

  /** Nothing gets from one node to the other any more; the other direction still works. */
  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(link(from, to));
  }

  cutBoth(a: NodeId, b: NodeId): void {
    this.cut(a, b);
    this.cut(b, a);
  }

  isolate(id: NodeId): void {
    for (const other of this.ids) if (other !== id) this.cutBoth(id, other);
  }

  /** Only nodes of the same group still reach each other. */
  partition(...groups: readonly (readonly NodeId[])[]): void {
    this.heal();
    for (const a of this.ids) {
      for (const b of this.ids) {
        if (a !== b && !groups.some((group) => group.includes(a) && group.includes(b))) this.cut(a, b);
      }
    }
  }

  /** What is sent on this link stays in the pool until it is released. */
  hold(from: NodeId, to: NodeId): void {
    this.#held.add(link(from, to));
  }

  release(from: NodeId, to: NodeId): void {
    this.#held.delete(link(from, to));
  }

  /** Repairs all links, or those of one node. Held ones stay held. */
  heal(id?: NodeId): void {
    if (id === undefined) this.#cut.clear();
    else {
      for (const other of this.ids) {
        this.#cut.delete(link(id, other));
        this.#cut.delete(link(other, id));
      }
    }
  }

  /** Takes what the nodes want to send into the pool. */
  collect(): void {
    for (const node of this.nodes.values()) {
      for (const envelope of node.takeOutbox()) if (this.filter(envelope)) this.pool.push(envelope);
    }
  }

  /** Messages under way, of one type and on one link where given. */
  underWay<Type extends Message['type']>(type: Type, from?: NodeId, to?: NodeId): Extract<Message, { type: Type }>[] {
    this.collect();
    return this.pool.flatMap((envelope) => {
      const { cargo } = envelope;
      const isOnLink = (from === undefined || envelope.from === from) && (to === undefined || envelope.to === to);
      // The comparison of the types is what makes the cast true.
      return isOnLink && cargo.type === 'message' && cargo.message.type === type
        ? [cargo.message as Extract<Message, { type: Type }>]
        : [];
    });
  }

  /** Loses messages under way. */
  drop(shouldDrop: (envelope: Envelope) => boolean): void {
    this.collect();
    this.pool = this.pool.filter((envelope) => !shouldDrop(envelope));
  }

  /** Delivers what is in the pool now and accepted, but not the answers. Returns how many arrived or were lost. */
  deliverOnce(accept: (envelope: Envelope) => boolean = () => true): number {
    this.collect();
    const isDue = (envelope: Envelope): boolean =>
      !this.#held.has(link(envelope.from, envelope.to)) && accept(envelope);
    const due = this.pool.filter(isDue);
    this.pool = this.pool.filter((envelope) => !isDue(envelope));
    for (const envelope of due) this.#arrive(envelope);
    this.collect();
    return due.length;
  }

  /** Delivers until nothing is under way any more; leaders also tell followers of commits. No time passes. */
  deliver(): void {
    let deliveries = 0;
    for (;;) {
      const delivered = this.deliverOnce();
      deliveries += delivered;
      assert.ok(deliveries < DELIVERIES_MAX, 'the cluster never comes to rest');
      if (delivered === 0 && !this.#tickNotices()) break;
    }
    this.assertSafe();
  }

  #tickNotices(): boolean {
    const noticing = [...this.nodes.values()].filter((node) => node.isAlive && node.core.hasNotice);
    for (const node of noticing) node.tick();
    return noticing.length > 0;
  }

  #arrive(envelope: Envelope): void {
    const { from, to, cargo } = envelope;
    const target = this.nodes.get(to);
    const isLost = target === undefined || !target.isAlive || this.#cut.has(link(from, to));
    this.onArrival(envelope, isLost);
    if (cargo.type === 'message') {
      if (!isLost) target.receive(from, cargo.message);
      return;
    }
    if (isLost) {
      const sender = this.node(from);
      if (sender.isAlive) sender.step({ type: 'snapshot-send-failed', to, session: cargo.offer.session });
      return;
    }
    if (cargo.type === 'snapshot') target.receiveSnapshot(from, cargo.offer, cargo.snapshot);
    else if (target.receiveOffer(from, cargo.offer)) {
      this.pool.push({ from, to, cargo: { type: 'snapshot', offer: cargo.offer, snapshot: cargo.snapshot } });
    }
  }

  // The clock.

  /** Lets time pass: every node is ticked when its deadline comes, and everything is delivered at once. */
  advance(ms: number): void {
    const endMs = this.clock.nowMs + ms;
    this.deliver();
    for (;;) {
      const dueMs = Math.min(...this.#alive().map((node) => node.core.deadlineMs));
      if (dueMs > endMs) break;
      this.clock.nowMs = Math.max(this.clock.nowMs, dueMs);
      for (const node of this.#alive()) if (node.core.deadlineMs <= this.clock.nowMs) node.tick();
      this.deliver();
      // A deadline that a tick does not move is looked at again a little later.
      if (this.#alive().some((node) => node.core.deadlineMs <= this.clock.nowMs)) this.clock.nowMs += 1;
      if (this.clock.nowMs > endMs) break;
    }
    this.clock.nowMs = endMs;
  }

  /** Time passes and nobody notices: no deadline fires, nothing is delivered. */
  skip(ms: number): void {
    this.clock.nowMs += ms;
  }

  advanceUntil(condition: () => boolean, timeoutMs = 60_000): void {
    const endMs = this.clock.nowMs + timeoutMs;
    while (!condition()) {
      assert.ok(this.clock.nowMs < endMs, `not reached within ${timeoutMs} ms: ${condition}`);
      this.advance(10);
    }
  }

  #alive(): TestNode[] {
    return [...this.nodes.values()].filter((node) => node.isAlive);
  }

  // The nodes.

  /** Makes this node leader: all promises to earlier leaders expire first. Throws when it does not win. */
  elect(id: NodeId): TestNode {
    this.deliver();
    this.skip(this.node(id).options.electionTimeoutMinMs);
    this.node(id).campaign();
    this.deliver();
    assert.equal(this.node(id).role, 'leader', `node ${id} did not win the election`);
    return this.node(id);
  }

  crash(id: NodeId): void {
    this.collect();
    this.node(id).crash();
    this.pool = this.pool.filter((envelope) => envelope.to !== id);
  }

  restart(id: NodeId): void {
    this.node(id).restart();
  }

  /** Figure 3: one leader a term, and no two nodes apply different entries at one index. */
  assertSafe(): void {
    const leaders = new Map<number, NodeId>();
    let longest: TestNode | null = null;
    for (const node of this.nodes.values()) {
      if (node.isAlive && node.role === 'leader') {
        assert.equal(leaders.get(node.term), undefined, `two leaders in term ${node.term}`);
        leaders.set(node.term, node.id);
      }
      if (longest === null || node.applied.length > longest.applied.length) longest = node;
    }
    for (const node of this.nodes.values()) {
      for (const [position, entry] of node.applied.entries()) {
        const other = longest?.applied[position];
        if (other === entry) continue;
        const isSame = other !== undefined && isSameLogId(other.logId, entry.logId);
        assert.ok(isSame, `nodes ${longest?.id} and ${node.id} applied different entries at ${position + 1}`);
      }
    }
  }
}

function link(from: NodeId, to: NodeId): string {
  return `${from}>${to}`;
}
