/** Stands before one node, and lets its peers through as well as the lines between them allow. */
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { LineCondition } from './line.ts';
import { CLEAR } from './line.ts';
import { PostRecorder } from './post-recorder.ts';
import { Pump } from './pump.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface LinkProxyOptions {
  /** The place of the node behind it. */
  readonly place: number;
  /** From 0, less than 1. */
  readonly random: () => number;
}

export interface LinkProxyCounts {
  readonly connections: number;
  readonly stalls: number;
  readonly resets: number;
  readonly replays: number;
}

/**
 * Who sends. All requests of a connection are of one node. The first may be the question of a node that is asked to add
 * another one, which does not say who asks: lines are clear for those.
 */
const SENDER = /^x-zlayer-from: *(\d+)/im;

const HEAD_BYTES_MAX = 64 * 1024;

/** How often chance decides whether a connection stalls or is reset. */
const CHANCE_MS = 100;
const CHANCES_PER_MINUTE = 60_000 / CHANCE_MS;

/** From and to. */
const STALL_MS = [200, 2500] as const;

/** Half of the replays come at once, the others up to so much later. */
const REPLAY_DELAY_MS = 4000;
const REPLAY_ANSWER_MS = 2000;

/** The place of a node: the ids of the nodes that follow each other at a place are 10 apart. */
function placeOfNode(nodeId: number): number {
  return (nodeId - 1) % 10;
}

interface Connection {
  /** Null while it is not known. */
  from: number | null;
  readonly sockets: readonly [Socket, Socket];
  readonly pumps: readonly [Pump, Pump];
}

export class LinkProxy {
  readonly #options: LinkProxyOptions;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #sockets = new Set<Socket>();
  #inbound: ReadonlyMap<number, LineCondition> = new Map();
  #outbound: ReadonlyMap<number, LineCondition> = new Map();
  #target: Endpoint | null = null;
  #chance: NodeJS.Timeout | null = null;
  #counts: LinkProxyCounts = { connections: 0, stalls: 0, resets: 0, replays: 0 };

  constructor(options: LinkProxyOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  get counts(): LinkProxyCounts {
    return this.#counts;
  }

  /** Resolves with the port. */
  async listen({ host, port }: Endpoint): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    this.#chance = setInterval(() => this.#tryLuck(), CHANCE_MS);
    // A server that listens on a port has an address with one.
    return (this.#server.address() as AddressInfo).port;
  }

  /** Where the node is now; the connections to where it was before end by themselves. */
  setTarget(target: Endpoint): void {
    this.#target = target;
  }

  /** By the place of the peer: the line from it to the node, and back. Missing ones are clear. */
  setLines(inbound: ReadonlyMap<number, LineCondition>, outbound: ReadonlyMap<number, LineCondition>): void {
    this.#inbound = inbound;
    this.#outbound = outbound;
    for (const { pumps } of this.#connections) for (const pump of pumps) pump.flush();
  }

  async close(): Promise<void> {
    if (this.#chance !== null) clearInterval(this.#chance);
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  /** Reads until it is known who sends. */
  #accept(socket: Socket): void {
    this.#keep(socket);
    let head = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const isWhole = head.includes('\r\n\r\n');
      if (!isWhole && head.byteLength < HEAD_BYTES_MAX) return;
      socket.off('data', onData);
      socket.pause();
      this.#join(socket, head);
    };
    socket.on('data', onData);
  }

  #join(socket: Socket, head: Buffer): void {
    if (this.#target === null) {
      socket.resetAndDestroy();
      return;
    }
    const target = connect({ ...this.#target, allowHalfOpen: true });
    this.#keep(target);
    const { random } = this.#options;
    const from = senderIn(head);
    const inbound = (): LineCondition => this.#inboundOf(connection);
    const outbound = (): LineCondition => this.#outboundOf(connection);
    const pumps = [
      new Pump({ from: socket, to: target, condition: inbound, random }),
      new Pump({ from: target, to: socket, condition: outbound, random }),
    ] as const;
    const connection: Connection = { from, sockets: [socket, target], pumps };
    this.#connections.add(connection);
    this.#counts = { ...this.#counts, connections: this.#counts.connections + 1 };
    const recorder = new PostRecorder((request) => this.#perhapsReplay(request, inbound()));
    recorder.feed(head);
    socket.on('data', (chunk: Buffer) => {
      connection.from ??= senderIn(chunk);
      recorder.feed(chunk);
    });
    for (const end of connection.sockets) end.once('close', () => this.#dropIfOver(connection));
    pumps[0].push(head);
    socket.resume();
  }

  #dropIfOver(connection: Connection): void {
    if (!connection.sockets.every(({ destroyed }) => destroyed)) return;
    this.#connections.delete(connection);
    for (const pump of connection.pumps) pump.close();
  }

  #inboundOf({ from }: Connection): LineCondition {
    return (from === null ? undefined : this.#inbound.get(from)) ?? CLEAR;
  }

  #outboundOf({ from }: Connection): LineCondition {
    return (from === null ? undefined : this.#outbound.get(from)) ?? CLEAR;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #tryLuck(): void {
    const { random } = this.#options;
    for (const connection of this.#connections) {
      const { pumps, sockets } = connection;
      const conditions = [this.#inboundOf(connection), this.#outboundOf(connection)] as const;
      for (const [index, { stallsPerMinute }] of conditions.entries()) {
        if (random() >= stallsPerMinute / CHANCES_PER_MINUTE) continue;
        pumps[index]?.stall(STALL_MS[0] + random() * (STALL_MS[1] - STALL_MS[0]));
        this.#counts = { ...this.#counts, stalls: this.#counts.stalls + 1 };
      }
      if (random() >= conditions[0].resetsPerMinute / CHANCES_PER_MINUTE) continue;
      this.#counts = { ...this.#counts, resets: this.#counts.resets + 1 };
      for (const socket of sockets) socket.resetAndDestroy();
    }
  }

  #perhapsReplay(request: Buffer, { replayShare, isCut }: LineCondition): void {
    const { random } = this.#options;
    if (isCut || random() >= replayShare) return;
    const delayMs = random() < 0.5 ? 0 : random() * REPLAY_DELAY_MS;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#replay(request);
    }, delayMs);
    this.#timers.add(timer);
  }

  /** On a connection of its own. Nobody waits for the answer. */
  #replay(request: Buffer): void {
    if (this.#target === null) return;
    this.#counts = { ...this.#counts, replays: this.#counts.replays + 1 };
    const socket = connect(this.#target);
    this.#keep(socket);
    socket.setTimeout(REPLAY_ANSWER_MS, () => socket.destroy());
    socket.once('data', () => socket.destroy());
    socket.write(request);
  }
}

function senderIn(bytes: Buffer): number | null {
  const [, sender] = SENDER.exec(bytes.toString('latin1')) ?? [];
  return sender === undefined ? null : placeOfNode(Number(sender));
}
