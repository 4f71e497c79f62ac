/** The oracle of random clusters is fed with each violation it is there to find. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Entry } from '../../src/core/entry.ts';
import type { NodeId, Term } from '../../src/core/ids.ts';
import { NO_LOG_ID } from '../../src/core/ids.ts';
import type { Message } from '../../src/core/message.ts';
import type { RoleName } from '../../src/core/role/role.ts';
import { appendRequest, appendResponse, entriesOf, entryOf, membershipOf, voteResponse } from '../support/core-kit.ts';
import type { ObservedNode } from '../support/safety-oracle.ts';
import { SafetyOracle } from '../support/safety-oracle.ts';

const CONFIG = { membership: membershipOf([1, 2, 3]) };

/** A node as the oracle sees it; everything may be changed by hand. */
class FakeNode implements ObservedNode {
  readonly id: NodeId;
  isAlive = true;
  role: RoleName = 'follower';
  term: Term = 1;
  commitIndex = 0;
  applied: Entry[] = [];
  entries: Entry[] = [];
  core: ObservedNode['core'] = aCore();
  disk: {
    hardState: { term: Term; votedFor: NodeId | null };
    snapshot: null;
    log: { purged: typeof NO_LOG_ID; entries: Entry[] };
  } = { hardState: { term: 1, votedFor: null }, snapshot: null, log: { purged: NO_LOG_ID, entries: [] } };

  constructor(id: NodeId) {
    this.id = id;
  }

  store(entries: readonly Entry[]): void {
    this.entries = [...entries];
    this.disk.log.entries = [...entries];
  }
}

function aCore(): ObservedNode['core'] {
  return { state: { log: { purged: NO_LOG_ID }, membership: { committed: CONFIG, effective: CONFIG } } };
}

function threeNodes(): { nodes: [FakeNode, FakeNode, FakeNode]; oracle: SafetyOracle } {
  const nodes: [FakeNode, FakeNode, FakeNode] = [new FakeNode(1), new FakeNode(2), new FakeNode(3)];
  return { nodes, oracle: new SafetyOracle(new Map(nodes.map((node) => [node.id, node]))) };
}

function sends(from: NodeId, message: Message): Parameters<SafetyOracle['sent']>[0] {
  return { from, to: 3, cargo: { type: 'message', message } };
}

function assertFinds(property: string, action: () => void): void {
  assert.throws(action, { name: 'SafetyViolation', property });
}

describe('the safety oracle finds', () => {
  test('two leaders in one term', () => {
    const { nodes, oracle } = threeNodes();
    for (const node of nodes.slice(0, 2)) node.role = 'leader';
    oracle.observe(nodes[0]);
    assertFinds('election safety', () => oracle.observe(nodes[1]));
  });

  test('a message in the name of another leader', () => {
    const { nodes, oracle } = threeNodes();
    nodes[0].role = 'leader';
    oracle.observe(nodes[0]);
    assertFinds('election safety', () => oracle.sent(sends(2, appendRequest(1))));
  });

  test('two votes in one term, also across a crash', () => {
    const { nodes, oracle } = threeNodes();
    nodes[0].disk.hardState = { term: 2, votedFor: 1 };
    oracle.observe(nodes[0]);
    nodes[0].core = aCore();
    nodes[0].disk.hardState = { term: 2, votedFor: 3 };
    assertFinds('one vote a term', () => oracle.observe(nodes[0]));
  });

  test('a term that goes back', () => {
    const { nodes, oracle } = threeNodes();
    nodes[0].disk.hardState = { term: 2, votedFor: null };
    oracle.observe(nodes[0]);
    nodes[0].disk.hardState = { term: 1, votedFor: null };
    assertFinds('one vote a term', () => oracle.observe(nodes[0]));
  });

  test('different entries under one LogId', () => {
    const { nodes, oracle } = threeNodes();
    nodes[0].store([entryOf(1, 1, 'a')]);
    nodes[1].store([entryOf(1, 1, 'b')]);
    oracle.observe(nodes[0]);
    assertFinds('log matching', () => oracle.observe(nodes[1]));
  });

  test('the same entry after different ones', () => {
    const { nodes, oracle } = threeNodes();
    const last = entryOf(2, 2);
    nodes[0].store([entryOf(1, 1), last]);
    nodes[1].store([entryOf(2, 1), last]);
    oracle.observe(nodes[0]);
    assertFinds('log matching', () => oracle.observe(nodes[1]));
  });

  test('a leader that loses an entry of its own', () => {
    const { nodes, oracle } = threeNodes();
    const entries = entriesOf([1, 1]);
    nodes[0].store(entries);
    nodes[0].role = 'leader';
    oracle.observe(nodes[0]);
    nodes[0].store(entries.slice(0, 1));
    assertFinds('leader append-only', () => oracle.observe(nodes[0]));
  });

  test('a leader without an entry that was committed before its term', () => {
    const { nodes, oracle } = threeNodes();
    commitOn(nodes, entriesOf([1]));
    oracle.observe(nodes[0]);
    const [, , newcomer] = nodes;
    newcomer.role = 'leader';
    newcomer.term = 2;
    assertFinds('leader completeness', () => oracle.observe(newcomer));
  });

  test('different entries committed at one index', () => {
    const { nodes, oracle } = threeNodes();
    commitOn(nodes, entriesOf([1]));
    oracle.observe(nodes[0]);
    nodes[2].store([entryOf(2, 1)]);
    nodes[2].commitIndex = 1;
    assertFinds('state machine safety', () => oracle.observe(nodes[2]));
  });

  test('an entry that is applied but not committed', () => {
    const { nodes, oracle } = threeNodes();
    nodes[0].store(entriesOf([1]));
    nodes[0].applied = [...nodes[0].entries];
    assertFinds('state machine safety', () => oracle.observe(nodes[0]));
  });

  test('a commit that no quorum has on disk', () => {
    const { nodes, oracle } = threeNodes();
    nodes[0].store(entriesOf([1]));
    nodes[0].commitIndex = 1;
    assertFinds('durable commits', () => oracle.observe(nodes[0]));
  });

  test('a commit index that goes back', () => {
    const { nodes, oracle } = threeNodes();
    commitOn(nodes, entriesOf([1]));
    oracle.observe(nodes[0]);
    nodes[0].commitIndex = 0;
    assertFinds('monotonic commit', () => oracle.observe(nodes[0]));
  });

  test('a grant that is not on disk', () => {
    const { oracle } = threeNodes();
    assertFinds('durable votes', () => oracle.sent(sends(1, voteResponse(2, true))));
  });

  test('an acknowledgement of what is not on disk', () => {
    const { oracle } = threeNodes();
    assertFinds('durable appends', () => oracle.sent(sends(1, appendResponse(1, { matchIndex: 1 }))));
  });
});

test('the safety oracle accepts a committed entry that all have', () => {
  const { nodes, oracle } = threeNodes();
  commitOn(nodes, entriesOf([1]));
  nodes[0].applied = [...nodes[0].entries];
  for (const node of nodes) oracle.observe(node);
  assert.equal(oracle.committedIndex, 1);
});

/** The first two of three nodes have the entries on disk, and the first has committed them. */
function commitOn([first, second]: readonly [FakeNode, FakeNode, FakeNode], entries: readonly Entry[]): void {
  first.store(entries);
  second.store(entries);
  first.commitIndex = entries.length;
}
