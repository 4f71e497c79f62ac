import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import type { HttpBindings } from '@hono/node-server';
import { serve as serveHono } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import type { Message } from '../../../src/core/message.ts';
import { HttpNetwork } from '../../../src/network/http/http-network.ts';
import type { RaftService } from '../../../src/network/http/raft-service.ts';
import { raftService } from '../../../src/network/http/raft-service.ts';
import { RecordingHandler } from '../../../src/testing/conformance/network-handler.ts';
import {
  append,
  ChunkSource,
  neverAborted,
  RecordingEvents,
  snapshotBytes,
  snapshotHeader,
} from '../../../src/testing/conformance/network-world.ts';
import { closeServer, listen } from './http-world.ts';

/** An application that carries the service beside something of its own at `/hello`. */
interface Mounted {
  readonly addr: string;
  close(): Promise<void>;
}

const MOUNTS: Readonly<Record<string, (raft: RaftService) => Promise<Mounted>>> = {
  async 'node:http'(raft) {
    const server = createServer((request: IncomingMessage, response: ServerResponse) => {
      if (raft.handles(request)) {
        raft(request, response);
      } else {
        response.end('hello');
      }
    });
    return { addr: await listen(server), close: async () => await closeServer(server) };
  },

  async Express(raft) {
    const app = express();
    app.use(raft);
    app.use(express.json());
    app.get('/hello', (_request, response) => {
      response.send('hello');
    });
    const server = createServer(app);
    return { addr: await listen(server), close: async () => await closeServer(server) };
  },

  async 'Express below a path, after a body parser'(raft) {
    const app = express();
    app.use(express.raw({ type: '*/*', limit: '64mb' }));
    app.use('/raft', raft);
    app.get('/hello', (_request, response) => {
      response.send('hello');
    });
    const server = createServer(app);
    return { addr: await listen(server), close: async () => await closeServer(server) };
  },

  async Fastify(raft) {
    const app = fastify();
    app.addHook('onRequest', (request, reply, done) => {
      if (!raft.handles(request.raw)) {
        done();
        return;
      }
      reply.hijack();
      raft(request.raw, reply.raw);
    });
    app.get('/hello', async () => 'hello');
    await app.listen({ port: 0, host: '127.0.0.1' });
    return {
      addr: `127.0.0.1:${(app.server.address() as AddressInfo).port}`,
      async close(): Promise<void> {
        app.server.closeAllConnections();
        await app.close();
      },
    };
  },

  async Hono(raft) {
    const app = new Hono<{ Bindings: HttpBindings }>();
    app.all('/raft/*', (context) => {
      raft(context.env.incoming, context.env.outgoing);
      return RESPONSE_ALREADY_SENT;
    });
    app.get('/hello', (context) => context.text('hello'));
    const server = serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
    await once(server, 'listening');
    return {
      addr: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      close: async () => await closeServer(server),
    };
  },
};

const VOTE: Message = { type: 'vote-request', term: 2 ** 50, lastLogId: { term: 1, index: 9 }, transfer: false };

for (const [name, mount] of Object.entries(MOUNTS)) {
  describe(`the service in ${name}`, () => {
    for (const transport of ['stream', 'post'] as const) {
      test(`BUG-2 carries votes, appends beyond 2 MB and snapshots by ${transport}, beside the application`, async (t) => {
        const handler = new RecordingHandler(2);
        handler.onMessage = ({ message, reply }) => reply(message);
        const raft = raftService({ inbound: handler });
        const { addr, close } = await mount(raft);
        const network = new HttpNetwork({ transport });
        t.after(async () => {
          await network.close();
          await raft.close();
          await close();
        });
        await network.open(new RecordingHandler(1));
        const events = new RecordingEvents();
        const connection = network.connect({ nodeId: 2, addr, instanceId: null }, events);
        connection.send(VOTE);
        assert.deepEqual(await events.messages.first(), VOTE);
        connection.send(append(7, 3, 1024 * 1024));
        const [, answer] = await events.messages.reach(2);
        assert.ok(answer?.type === 'append-request' && answer.entries.length === 3);
        const bytes = snapshotBytes(1_000_000);
        const source = new ChunkSource(bytes, 100_000);
        const options = { signal: neverAborted(), onProgress: () => undefined };
        await connection.sendSnapshot(snapshotHeader('s', bytes), (offset) => source.from(offset), options);
        assert.deepEqual(await handler.sinks.items[0]?.finished.first(), bytes);
        assert.equal(raft.stats().openStreams, transport === 'stream' ? 1 : 0);
        assert.equal(await fetchText(addr, '/hello'), 'hello');
        assert.equal(events.unreachable.items.length, 0);
      });
    }
  });
}

async function fetchText(addr: string, path: string): Promise<string> {
  const request = get(`http://${addr}${path}`, { agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const chunks = await response.toArray();
  return Buffer.concat(chunks).toString();
}
