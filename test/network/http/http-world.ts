/** The network suite's surroundings on loopback. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import { createServer as createNetServer } from 'node:net';
import { HttpNetwork } from '../../../src/network/http/http-network.ts';
import type { HttpNetworkOptions } from '../../../src/network/http/network-options.ts';
import type { RaftService } from '../../../src/network/http/raft-service.ts';
import { raftService } from '../../../src/network/http/raft-service.ts';
import type { RaftServiceOptions } from '../../../src/network/http/service-options.ts';
import type { InboundHandler } from '../../../src/ports/network.ts';
import type { NetworkEndpoint, NetworkWorld } from '../../../src/testing/conformance/network-world.ts';

const MAX_QUEUE_BYTES = 16 * 1024 * 1024;
const WINDOW_BYTES = 512 * 1024;

export interface HttpWorldOptions {
  readonly network?: HttpNetworkOptions;
  readonly service?: RaftServiceOptions;
  /** What the adapter lets be under way; default is the window that it was given. */
  readonly maxSnapshotWindowBytes?: number;
}

export async function createHttpWorld(options: HttpWorldOptions = {}): Promise<NetworkWorld> {
  const closers: (() => Promise<void>)[] = [];
  return {
    maxQueueBytes: MAX_QUEUE_BYTES,
    maxSnapshotWindowBytes: options.maxSnapshotWindowBytes ?? WINDOW_BYTES,
    reserveAddr,
    async listen(addr, handler): Promise<NetworkEndpoint> {
      const served = await serve(handler, { ...options.service, port: Number(addr.split(':')[1]) });
      const network = new HttpNetwork({
        maxQueueBytes: MAX_QUEUE_BYTES,
        snapshotWindowBytes: WINDOW_BYTES,
        backoffMinMs: 1,
        backoffMaxMs: 20,
        ...options.network,
      });
      await network.open(handler);
      const close = async (): Promise<void> => {
        await network.close();
        await served.close();
      };
      closers.push(close);
      return { network, close };
    },
    async hangingAddr(): Promise<string> {
      const { addr, close } = await hang();
      closers.push(close);
      return addr;
    },
    async close(): Promise<void> {
      for (const close of closers) {
        await close();
      }
    },
  };
}

export interface Served {
  readonly addr: string;
  readonly server: Server;
  readonly service: RaftService;
  close(): Promise<void>;
}

/** A node's service on a server of its own. */
export async function serve(
  inbound: InboundHandler,
  { port = 0, ...options }: RaftServiceOptions & { readonly port?: number } = {},
): Promise<Served> {
  const service = raftService({ inbound }, options);
  const server = createServer(service);
  const addr = await listen(server, port);
  return {
    addr,
    server,
    service,
    async close(): Promise<void> {
      await service.close();
      await closeServer(server);
    },
  };
}

export async function listen(server: NetServer, port = 0): Promise<string> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function closeServer(server: Server): Promise<void> {
  if (server.listening) {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
}

/** A port that was free a moment ago. */
export async function reserveAddr(): Promise<string> {
  const server = createNetServer();
  const addr = await listen(server);
  server.close();
  await once(server, 'close');
  return addr;
}

/** A server that accepts connections and says nothing. */
async function hang(): Promise<{ readonly addr: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createNetServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
  });
  const addr = await listen(server);
  return {
    addr,
    async close(): Promise<void> {
      for (const socket of sockets) {
        socket.destroy();
      }
      if (server.listening) {
        server.close();
        await once(server, 'close');
      }
    },
  };
}
