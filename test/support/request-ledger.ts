/** Keeps book of requests to a random cluster: each is answered exactly once, and reads see what was committed. */
import assert from 'node:assert/strict';
import type { Effect } from '../../src/core/effect.ts';
import type { LogIndex, NodeId } from '../../src/core/ids.ts';
import type { Input, ReadPolicy } from '../../src/core/input.ts';
import type { MembershipChange } from '../../src/core/membership/change.ts';
import type { TestNode } from './core-node.ts';
import type { SafetyOracle } from './safety-oracle.ts';
import { SafetyViolation } from './safety-oracle.ts';

interface Waiting {
  readonly node: NodeId;
  readonly kind: 'read' | 'change' | 'transfer';
  /** What was committed when a read came in. */
  readonly committedIndex: LogIndex;
  /** The node lost its leadership meanwhile: the outcome of a change may stay unknown. */
  isLost: boolean;
}

export class RequestLedger {
  readonly #oracle: SafetyOracle;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  constructor(oracle: SafetyOracle) {
    this.#oracle = oracle;
  }

  propose(node: TestNode, ...texts: string[]): void {
    const { accepted, refusal } = node.propose(...texts);
    assert.equal(refusal === null, accepted === texts.length, 'what is not accepted is refused');
  }

  read(node: TestNode, policy: ReadPolicy): void {
    const id = this.#open(node, 'read');
    this.#ask(node, { type: 'read', id, policy });
  }

  change(node: TestNode, change: MembershipChange, retain: boolean): void {
    const id = this.#open(node, 'change');
    this.#ask(node, { type: 'change-membership', id, change, retain });
  }

  transfer(node: TestNode, to: NodeId | null): void {
    const id = this.#open(node, 'transfer');
    this.#ask(node, { type: 'transfer', id, to });
  }

  onEffect(node: TestNode, effect: Effect): void {
    switch (effect.type) {
      case 'read-granted':
        this.#granted(node, effect.id, effect.readLogId.index);
        break;
      case 'read-refused':
      case 'transfer-done':
      case 'transfer-refused':
      case 'membership-changed':
      case 'membership-refused':
        // 0 is the initialisation.
        if (effect.id !== 0) this.#close(effect.id);
        break;
      case 'role-changed':
        if (effect.role !== 'leader') this.#loseLeadership(node.id);
        break;
      case 'peer-diverged':
        throw new SafetyViolation('durable appends', `${node.id} thinks that ${effect.peer} lost its log`);
      default:
        break;
    }
  }

  /** Whatever waited is never answered. */
  onCrash(id: NodeId): void {
    for (const [request, { node }] of this.#waiting) if (node === id) this.#waiting.delete(request);
  }

  /** For a cluster at rest. */
  assertAllAnswered(): void {
    const forgotten = [...this.#waiting].filter(([, { kind, isLost }]) => kind !== 'change' || !isLost);
    assert.deepEqual(forgotten, [], 'every request is answered');
  }

  #open({ id: node }: TestNode, kind: Waiting['kind']): number {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#waiting.set(id, { node, kind, committedIndex: this.#oracle.committedIndex, isLost: false });
    return id;
  }

  #ask(node: TestNode, input: Input): void {
    node.step(input);
  }

  #granted(node: TestNode, id: number, readIndex: LogIndex): void {
    const { committedIndex } = this.#close(id);
    if (readIndex >= committedIndex) return;
    throw new SafetyViolation(
      'linearizable reads',
      `${node.id} reads at ${readIndex}, committed was ${committedIndex}`,
    );
  }

  #close(id: number): Waiting {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) throw new SafetyViolation('one answer', `request ${id} is answered again`);
    this.#waiting.delete(id);
    return waiting;
  }

  #loseLeadership(id: NodeId): void {
    for (const waiting of this.#waiting.values()) if (waiting.node === id) waiting.isLost = true;
  }
}
