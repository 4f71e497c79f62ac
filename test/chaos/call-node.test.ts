import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { RequestListener, Server } from 'node:http';
import { Agent, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import type { CallOutcome } from '../../chaos/client/call-node.ts';
import { callNode } from '../../chaos/client/call-node.ts';
import type { OperationAnswer, OperationRequest } from '../../chaos/client/operation.ts';

const OPERATION: OperationRequest = {
  id: 1,
  input: { type: 'put', key: 'a', value: 1 },
  level: 'linearizable',
};

async function listen(handler: RequestListener): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  // It listens on a port.
  return { server, port: (server.address() as AddressInfo).port };
}

async function outcomeOf(handler: RequestListener, timeoutMs = 5000): Promise<CallOutcome> {
  const { server, port } = await listen(handler);
  const agent = new Agent({ keepAlive: true });
  try {
    const target = { place: 0, nodeId: 7, host: '127.0.0.1', port };
    return await callNode(OPERATION, { agent, target, run: '1-2', timeoutMs });
  } finally {
    agent.destroy();
    server.closeAllConnections();
    server.close();
  }
}

async function answered(answer: OperationAnswer): Promise<CallOutcome> {
  return await outcomeOf((_, response) => response.end(JSON.stringify(answer)));
}

function failure(code: string, retry: string): OperationAnswer {
  return { type: 'error', code, retry, message: '' };
}

describe('what a client concludes from a call', { timeout: 30_000 }, () => {
  test('an answer is an answer, and the call goes to that node of that run only', async () => {
    const paths: (string | undefined)[] = [];
    const outcome = await outcomeOf((request, response) => {
      paths.push(request.url);
      response.end(JSON.stringify({ type: 'ok', output: [['a', 1]] } satisfies OperationAnswer));
    });
    assert.deepEqual(outcome, { type: 'ok', output: [['a', 1]] });
    assert.deepEqual(paths, ['/1-2/7']);
  });

  test('an error that is safe to repeat means that nothing was done, and so do those that say it', async () => {
    for (const [code, retry] of [
      ['NOT_LEADER', 'safe'],
      ['TIMEOUT', 'safe'],
      ['FATAL', 'never'],
      ['STOPPED', 'never'],
    ] as const) {
      assert.deepEqual(await answered(failure(code, retry)), { type: 'failed', code });
    }
  });

  test('every other error leaves it open', async () => {
    for (const [code, retry] of [
      ['INDETERMINATE', 'unsafe'],
      ['INTERNAL', 'unsafe'],
      ['STORAGE', 'never'],
    ] as const) {
      assert.deepEqual(await answered(failure(code, retry)), { type: 'unknown', code });
    }
  });

  test('another process at the port did nothing', async () => {
    const outcome = await outcomeOf((_, response) => response.writeHead(404).end());
    assert.deepEqual(outcome, { type: 'failed', code: 'ANOTHER_PROCESS' });
  });

  test('a connection that was refused carried nothing', async () => {
    const { server, port } = await listen(() => undefined);
    server.close();
    await once(server, 'close');
    const target = { place: 0, nodeId: 7, host: '127.0.0.1', port };
    const agent = new Agent();
    assert.deepEqual(await callNode(OPERATION, { agent, target, run: '1-2' }), {
      type: 'failed',
      code: 'ECONNREFUSED',
    });
  });

  test('a connection that breaks before the answer leaves it open', async () => {
    const outcome = await outcomeOf((request) => request.socket.destroy());
    assert.deepEqual(outcome, { type: 'unknown', code: 'ECONNRESET' });
  });

  test('an answer that is cut in the middle leaves it open', async () => {
    const outcome = await outcomeOf((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"type":', () => response.destroy());
    });
    assert.equal(outcome.type, 'unknown');
  });

  test('no answer in time leaves it open', async () => {
    const outcome = await outcomeOf(() => undefined, 50);
    assert.deepEqual(outcome, { type: 'unknown', code: 'CLIENT_TIMEOUT' });
  });
});
