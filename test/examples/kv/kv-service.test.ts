import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { ConsensusNodeBuilder } from 'zlayer-consensus';
import { MemHub } from 'zlayer-consensus/network/memory';
import { MemLogStore } from 'zlayer-consensus/storage/memory';
import { KvService } from '../../../examples/kv/kv-service.ts';
import type { KvRequest, KvResponse } from '../../../examples/kv/kv-state.ts';
import { kvStateMachine } from '../../../examples/kv/kv-state.ts';

describe('the key-value service over HTTP', () => {
  let server: Server;
  let url: string;
  let stop: () => Promise<void>;

  before(async () => {
    const stateMachine = kvStateMachine();
    const node = await new ConsensusNodeBuilder<KvRequest, KvResponse>(1, 'n1:1').buildWith(
      new MemLogStore(),
      stateMachine,
      new MemHub().network('n1:1'),
    );
    await node.bootstrap();
    const service = new KvService(node, stateMachine);
    server = createServer((request, response) => void service.handle(request, response)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    stop = () => node.shutdown();
  });

  after(async () => {
    server.close();
    server.closeAllConnections();
    await stop();
  });

  async function call(method: string, path: string, body?: string): Promise<{ status: number; answer: unknown }> {
    const response = await fetch(`${url}${path}`, body === undefined ? { method } : { method, body });
    return { status: response.status, answer: await response.json() };
  }

  test('what was written is read back, with its version', async () => {
    assert.equal((await call('PUT', '/kv/a', '"one"')).status, 200);
    for (const consistency of ['linearizable', 'leader', 'stale']) {
      const { status, answer } = await call('GET', `/kv/a?consistency=${consistency}`);
      assert.deepEqual({ status, answer }, { status: 200, answer: { key: 'a', value: 'one', version: 1 } });
    }
  });

  test('a compare-and-set with the wrong version is refused with 409 and the current entry', async () => {
    await call('PUT', '/kv/cas', '1');
    const refused = await call('POST', '/kv/cas/cas', '{"expectedVersion":7,"value":2}');
    assert.deepEqual(refused, { status: 409, answer: { isDone: false, key: 'cas', value: 1, version: 1 } });
    const done = await call('POST', '/kv/cas/cas', '{"expectedVersion":1,"value":2}');
    assert.deepEqual(done, { status: 200, answer: { isDone: true, key: 'cas', value: 2, version: 2 } });
  });

  test('a deleted key is gone, and deleting it again is 404', async () => {
    await call('PUT', '/kv/gone', '1');
    assert.equal((await call('DELETE', '/kv/gone')).status, 200);
    assert.equal((await call('GET', '/kv/gone')).status, 404);
    assert.equal((await call('DELETE', '/kv/gone')).status, 404);
  });

  test('a list can be narrowed to a prefix', async () => {
    await call('PUT', '/kv/list%2F1', '1');
    await call('PUT', '/kv/list%2F2', '2');
    const { answer } = await call('GET', '/kv?prefix=list%2F');
    assert.deepEqual(answer, [
      { key: 'list/1', value: 1, version: 1 },
      { key: 'list/2', value: 2, version: 1 },
    ]);
  });

  test('bad input is 400 or 404 and says what is wrong', async () => {
    for (const [method, path, body] of [
      ['PUT', '/kv/a', 'not json'],
      ['PUT', '/kv/%E0%A4%A', '1'],
      ['POST', '/kv/a/cas', '{}'],
      ['PATCH', '/kv/a', '1'],
      ['GET', '/kv/a?consistency=perfect', undefined],
      ['POST', '/members', '{"id":"x"}'],
    ] as const) {
      const { status, answer } = await call(method, path, body);
      assert.equal(status, 400, `${method} ${path}`);
      assert.ok((answer as { message: string }).message.length > 10);
    }
    assert.equal((await call('GET', '/nothing')).status, 404);
  });

  test('the status tells role, leader and members', async () => {
    const { answer } = await call('GET', '/status');
    const { id, role, leader, voters, learners } = answer as Record<string, unknown>;
    assert.deepEqual(
      { id, role, leader, voters, learners },
      { id: 1, role: 'leader', leader: { id: 1, address: 'n1:1' }, voters: [1], learners: [] },
    );
  });
});
