/** What may stand between two nodes, and misbehave. */
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { createServer, request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import { connect, createServer as createNetServer } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { closeServer, listen } from './http-world.ts';

/** Passes bytes on until it is told otherwise. */
export interface TcpProxy {
  readonly addr: string;
  /** How many connections were made. */
  connections(): number;
  /** Keeps all connections, takes everything, and passes nothing on: like a process that is stopped. */
  freeze(): void;
  thaw(): void;
  /** Ends all connections. */
  cut(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let isFrozen = false;
  let connections = 0;
  const server = createNetServer({ noDelay: true }, (client) => {
    connections += 1;
    const [host, port] = target.split(':');
    const upstream = connect({ port: Number(port), host, noDelay: true });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => {
        if (!isFrozen) {
          to.write(chunk);
        }
      });
      from.on('error', () => from.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  const addr = await listen(server);
  const cut = (): void => {
    for (const socket of [...sockets]) {
      socket.destroy();
    }
  };
  return {
    addr,
    connections: () => connections,
    freeze(): void {
      isFrozen = true;
    },
    thaw(): void {
      isFrozen = false;
    },
    cut,
    async close(): Promise<void> {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A reverse proxy for HTTP. */
export interface HttpProxy {
  readonly addr: string;
  /** `strip`: upgrades become plain requests. `swallow`: nobody answers them. `pass`: they work. */
  upgrades: 'strip' | 'swallow' | 'pass';
  close(): Promise<void>;
}

export async function startHttpProxy(target: string, upgrades: HttpProxy['upgrades']): Promise<HttpProxy> {
  const server: Server = createServer((request, response) => {
    const forwarded = forward(request, target, false);
    forwarded.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      void pipeline(answer, response).catch(() => response.destroy());
    });
    forwarded.on('error', () => response.destroy());
    void pipeline(request, forwarded).catch(() => forwarded.destroy());
  });
  const proxy: HttpProxy = { addr: '', upgrades, close: async () => await closeServer(server) };
  const sockets = new Set<{ destroy(): unknown }>();
  const onUpgrade = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    if (proxy.upgrades === 'swallow') {
      return;
    }
    const isPassed = proxy.upgrades === 'pass';
    const forwarded = forward(request, target, isPassed);
    forwarded.on('response', (answer) => {
      socket.end(
        `HTTP/1.1 ${answer.statusCode} x\r\nx-zlayer-protocol: ${answer.headers['x-zlayer-protocol']}\r\n\r\n`,
      );
      answer.resume();
    });
    forwarded.on('upgrade', (answer, upstream, upstreamHead) => {
      sockets.add(upstream);
      const headers = answer.rawHeaders.flatMap((name, at, all) => (at % 2 === 0 ? [`${name}: ${all[at + 1]}`] : []));
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headers.join('\r\n')}\r\n\r\n`);
      socket.write(upstreamHead);
      upstream.write(head);
      upstream.on('error', () => upstream.destroy());
      socket.pipe(upstream).pipe(socket);
    });
    forwarded.on('error', () => socket.destroy());
    forwarded.end();
  };
  server.on('upgrade', onUpgrade);
  const addr = await listen(server);
  return Object.assign(proxy, {
    addr,
    async close(): Promise<void> {
      for (const socket of sockets) {
        socket.destroy();
      }
      await closeServer(server);
    },
  });
}

function forward(request: IncomingMessage, target: string, withUpgrade: boolean): ReturnType<typeof httpRequest> {
  const [host, port] = target.split(':');
  const { upgrade, connection, ...rest } = request.headers;
  const headers = withUpgrade ? { ...rest, upgrade, connection } : rest;
  return httpRequest({ host, port, method: request.method, path: request.url, headers, agent: false });
}
