/** A node behind a proxy, and peers that talk to it: for the tests of the proxy. */
import { EventEmitter, once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { LineCondition } from '../../chaos/network/line.ts';
import { CLEAR } from '../../chaos/network/line.ts';
import { LinkProxy } from '../../chaos/network/link-proxy.ts';

const HOST = '127.0.0.1';

/** Sends back what it gets, or takes requests, behind a proxy at place 0. */
export class NodeBehindProxy {
  readonly proxy: LinkProxy = new LinkProxy({ place: 0, random: () => 0 });
  /** All that ever arrived, over all connections. */
  received = '';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #arrivals = new EventEmitter();
  #port = 0;

  constructor() {
    this.#server = createServer((socket) => {
      this.#keep(socket);
      socket.on('data', (bytes) => {
        this.received += bytes.toString();
        this.#arrivals.emit('bytes');
        socket.write(bytes);
      });
    });
  }

  async open(): Promise<void> {
    this.#server.listen(0, HOST);
    await once(this.#server, 'listening');
    this.#port = await this.proxy.listen({ host: HOST, port: 0 });
    // It listens on a port.
    const { port } = this.#server.address() as AddressInfo;
    this.proxy.setTarget({ host: HOST, port });
  }

  /** The condition of the line from the node of that place, and back; the others are clear. */
  setLines(place: number, inbound: Partial<LineCondition>, outbound: Partial<LineCondition> = {}): void {
    this.proxy.setLines(new Map([[place, { ...CLEAR, ...inbound }]]), new Map([[place, { ...CLEAR, ...outbound }]]));
  }

  /** A connection of that node, which has said who it is. */
  async connect(nodeId: number): Promise<Peer> {
    return await this.begin(`GET /raft/stream HTTP/1.1\r\nX-Zlayer-From: ${nodeId}\r\nUpgrade: test\r\n\r\n`);
  }

  /** A connection that begins with this text. */
  async begin(text: string): Promise<Peer> {
    const socket = connect(this.#port, HOST);
    this.#keep(socket);
    await once(socket, 'connect');
    const peer = new Peer(socket);
    peer.send(text);
    return peer;
  }

  /** Resolves when that text has arrived so often. */
  async receives(text: string, times: number): Promise<void> {
    while (this.received.split(text).length <= times) await once(this.#arrivals, 'bytes');
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await this.proxy.close();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
  }
}

export class Peer {
  readonly socket: Socket;
  heard = '';

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes) => {
      this.heard += bytes.toString();
    });
  }

  send(text: string): void {
    this.socket.write(text);
  }

  /** Resolves when that text has come back. */
  async hears(text: string): Promise<void> {
    while (!this.heard.includes(text)) await once(this.socket, 'data');
  }
}
