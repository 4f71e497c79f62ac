import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { NodeBehindProxy } from './peer-through-proxy.ts';

async function withNode(run: (node: NodeBehindProxy) => Promise<void>): Promise<void> {
  const node = new NodeBehindProxy();
  try {
    await node.open();
    await run(node);
  } finally {
    await node.close();
  }
}

/** Longer than anything takes to arrive over a clear line: three times there and back. */
async function roundTrips(node: NodeBehindProxy, nodeId: number): Promise<void> {
  const other = await node.connect(nodeId);
  for (const text of ['one', 'two', 'three']) {
    other.send(text);
    await other.hears(text);
  }
}

describe('a proxy between nodes', { timeout: 30_000 }, () => {
  test('carries bytes in both directions over a clear line', async () => {
    await withNode(async (node) => {
      const peer = await node.connect(2);
      peer.send('hello');
      await peer.hears('hello');
      assert.match(node.received, /X-Zlayer-From: 2\r\n/);
    });
  });

  test('a line that is cut is silent, keeps what was sent, and does not touch the lines of others', async () => {
    await withNode(async (node) => {
      const peer = await node.connect(2);
      peer.send('before');
      await peer.hears('before');
      node.setLines(1, { isCut: true });
      peer.send('during');
      await roundTrips(node, 3);
      assert.ok(!node.received.includes('during'));
      node.setLines(1, {});
      await peer.hears('during');
    });
  });

  test('a line can be cut in one direction: the node hears, and is not heard', async () => {
    await withNode(async (node) => {
      const peer = await node.connect(2);
      node.setLines(1, {}, { isCut: true });
      peer.send('lost on the way back');
      await roundTrips(node, 3);
      assert.match(node.received, /lost on the way back/);
      assert.equal(peer.heard.includes('lost on the way back'), false);
    });
  });

  test('the third node at a place is behind the same line as the first', async () => {
    await withNode(async (node) => {
      node.setLines(1, { isCut: true });
      await node.connect(22);
      await roundTrips(node, 13);
      assert.equal(node.received.includes('X-Zlayer-From: 22'), false);
      assert.match(node.received, /X-Zlayer-From: 13/);
    });
  });

  test('a slow line delays each way, in order', async () => {
    await withNode(async (node) => {
      const peer = await node.connect(2);
      peer.send('ready');
      await peer.hears('ready');
      node.setLines(1, { delayMs: 60, jitterMs: 20 }, { delayMs: 40 });
      const startedMs = performance.now();
      for (const text of ['a', 'b', 'c']) peer.send(text);
      await peer.hears('abc');
      assert.ok(performance.now() - startedMs >= 99);
    });
  });

  test('a connection stalls and goes on', async () => {
    await withNode(async (node) => {
      const peer = await node.connect(2);
      peer.send('ready');
      await peer.hears('ready');
      node.setLines(1, { stallsPerMinute: 600 });
      while (node.proxy.counts.stalls === 0) {
        peer.send('.');
        await peer.hears('.');
        peer.heard = '';
      }
      node.setLines(1, {});
      peer.send('after the stall');
      await peer.hears('after the stall');
    });
  });

  test('a connection is reset', async () => {
    await withNode(async (node) => {
      const peer = await node.connect(2);
      node.setLines(1, { resetsPerMinute: 600 });
      const [error] = await once(peer.socket, 'error');
      assert.equal(error.code, 'ECONNRESET');
      assert.equal(node.proxy.counts.resets, 1);
    });
  });

  test('a posted message arrives twice, a proposal once', async () => {
    await withNode(async (node) => {
      node.setLines(1, { replayShare: 1 });
      const posted = (path: string, body: string): string =>
        `POST /raft/${path} HTTP/1.1\r\nx-zlayer-from: 2\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
      await node.begin(posted('request', 'a proposal') + posted('append', 'some entries'));
      await node.receives('some entries', 2);
      assert.equal(node.received.split('a proposal').length - 1, 1);
      assert.equal(node.proxy.counts.replays, 1);
    });
  });

  test('the question of a node that does not say who it is gets through', async () => {
    await withNode(async (node) => {
      node.setLines(1, { isCut: true });
      const stranger = await node.begin('POST /raft/handshake HTTP/1.1\r\ncontent-length: 0\r\n\r\n');
      await stranger.hears('handshake');
      assert.match(node.received, /handshake/);
    });
  });
});
