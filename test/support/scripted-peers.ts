/** One whole node whose peers are scripted: they grant votes and acknowledge, unless a test silences them. */
import type { NodeId } from '../../src/core/ids.ts';
import type { Message } from '../../src/core/message.ts';
import type { RaftCore } from '../../src/core/raft.ts';
import type { ConsensusConfig } from '../../src/runtime/config.ts';
import { FakeNetwork } from './fake-network.ts';
import { basicNode, drive, FakeNode } from './fake-node.ts';
import { FakeTime } from './fake-time.ts';

export class ScriptedPeers {
  readonly time: FakeTime = new FakeTime();
  readonly network: FakeNetwork = new FakeNetwork();
  readonly node: FakeNode;
  /** Peers that take everything and answer nothing. */
  readonly silent: Set<NodeId> = new Set();

  constructor(config: Partial<ConsensusConfig> = {}) {
    this.node = new FakeNode({ nodeId: 1, time: this.time, network: this.network, config });
  }

  /** Node 1 of the voters 1, 2 and 3. */
  async form(): Promise<this> {
    const { node, network, time } = this;
    const { runtime } = { runtime: await node.start() };
    await runtime.identity.join('cluster');
    const nodes = new Map([1, 2, 3].map((id) => [id, basicNode(id)]));
    await drive(time, runtime.changes.initialize(nodes, { timeoutMs: 5000 }));
    for (const connection of network.connections) {
      connection.onSend = (message) => {
        const answer = this.silent.has(connection.peer.nodeId) ? null : answerTo(message);
        // An answer comes through a socket.
        if (answer !== null) time.io(() => connection.events.onMessage(answer));
      };
    }
    return this;
  }

  /** Makes node 1 the leader, with its first entry committed. */
  async lead(): Promise<this> {
    await this.form();
    this.node.runtime.post({ type: 'elect' });
    await this.time.until(() => this.node.runtime.appliedLogId.index === 2);
    this.takeSent();
    this.node.logStore.writes.length = 0;
    return this;
  }

  /** Makes node 1 a follower of node 2 in term 5. */
  async follow(): Promise<this> {
    await this.form();
    this.receive(2, heartbeat());
    await this.time.runTurns();
    this.takeSent();
    return this;
  }

  /** A message comes through a socket; resolves to nothing, the answers go to `replies`. */
  receive(from: NodeId, message: Message, replies: Message[] = []): void {
    this.time.io(() => this.network.inbound.receive(from, message, (reply) => replies.push(reply)));
  }

  /** What node 1 sent to a peer since the last time, or to all. */
  takeSent(peer?: NodeId): Message[] {
    const lines = this.network.connections.filter(({ peer: { nodeId } }) => peer === undefined || nodeId === peer);
    return lines.flatMap((connection) => connection.take());
  }

  /** Calls `onStep` with the number of inputs of every batch that the core steps. */
  spyOnSteps(onStep: (inputs: number) => void): void {
    const { core } = this.node.runtime;
    const stepAll: RaftCore['stepAll'] = core.stepAll.bind(core);
    core.stepAll = (inputs, time) => {
      onStep(inputs.length);
      return stepAll(inputs, time);
    };
  }
}

export function heartbeat(term: number = 5): Message {
  return { type: 'heartbeat-request', term, session: 1, round: 1, commitIndex: 0 };
}

function answerTo(message: Message): Message | null {
  switch (message.type) {
    case 'pre-vote-request':
      return { type: 'pre-vote-response', term: message.term, granted: true, lastLogId: message.lastLogId };
    case 'vote-request':
      return { type: 'vote-response', term: message.term, granted: true, lastLogId: message.lastLogId };
    case 'append-request': {
      const { term, session, round, prevLogId, entries } = message;
      const lastIndex = prevLogId.index + entries.length;
      const rest = { prevIndex: prevLogId.index, matchIndex: lastIndex, conflictHint: null, lastIndex };
      return { type: 'append-response', term, session, round, success: true, ...rest };
    }
    case 'heartbeat-request': {
      const { term, session, round, commitIndex } = message;
      return { type: 'heartbeat-response', term, session, round, verifiedIndex: commitIndex };
    }
    default:
      return null;
  }
}
