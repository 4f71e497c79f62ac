/** The suite must notice what it is there for: each sabotaged adapter fails one of its cases. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Message } from '../../src/core/message.ts';
import type { Network, Peer, PeerConnection, PeerEvents } from '../../src/ports/network.ts';
import { networkSuite } from '../../src/testing/conformance/network-suite.ts';
import type { NetworkEndpoint, NetworkWorld } from '../../src/testing/conformance/network-world.ts';
import { createMemWorld } from './memory/mem-world.ts';

/** Replaces parts of a connection or of its events. */
type Sabotage = (good: PeerConnection, peer: Peer) => Partial<PeerConnection>;
type EventSabotage = (good: PeerEvents) => Partial<PeerEvents>;

interface Saboteur {
  readonly connection?: Sabotage;
  readonly events?: EventSabotage;
  readonly network?: (good: Network) => Partial<Network>;
  /** The case that must fail. */
  readonly noticedBy: string;
}

const SABOTEURS: Readonly<Record<string, Saboteur>> = {
  'swaps neighbouring messages': {
    connection: (good) => {
      let held: Message | null = null;
      return {
        send: (message) => {
          if (held === null) {
            held = message;
            return true;
          }
          good.send(message);
          const isSent = good.send(held);
          held = null;
          return isSent;
        },
      };
    },
    noticedBy: 'delivers messages to a peer in the order they were sent',
  },
  'rounds large integers': {
    connection: (good) => ({
      send: (message) =>
        good.send('term' in message && message.term > 2 ** 50 ? { ...message, term: 2 ** 50 } : message),
    }),
    noticedBy: 'delivers every kind of message and answer unchanged',
  },
  'refuses large messages': {
    connection: (good) => ({
      send: (message) =>
        message.type === 'append-request' && message.entries.some(({ payload }) => payload.byteLength > 2_000_000)
          ? false
          : good.send(message),
    }),
    noticedBy: 'delivers appends larger than 2 MB',
  },
  'does not name the address': {
    events: (good) => ({ onUnreachable: () => good.onUnreachable(new Error('unreachable')) }),
    noticedBy: 'reports a peer that is not there, with its address',
  },
  'reports a refusal again and again': {
    events: (good) => ({
      onUnreachable: (error) => {
        good.onUnreachable(error);
        good.onUnreachable(error);
      },
    }),
    noticedBy: 'a node of another cluster, id or instance refuses, once and for all',
  },
  'queues without a limit': {
    connection: (good) => ({ send: (message) => good.send(message) || true }),
    noticedBy: 'queues a bounded number of bytes for a hanging peer',
  },
  'answers after it was closed': {
    connection: (good) => ({ close: () => void good }),
    noticedBy: 'a closed connection neither sends nor reports',
  },
  'loses the leader of an error': {
    connection: (good) => ({
      request: async (request, options) => {
        const response = await good.request(request, options);
        return response.type === 'failed' ? { ...response, error: { ...response.error, leaderId: null } } : response;
      },
    }),
    noticedBy: 'an error of the peer arrives with its code and leader',
  },
  'does not tell unreachable from indeterminate': {
    connection: (good) => ({
      request: async (request, options) => {
        try {
          return await good.request(request, options);
        } catch (error) {
          throw new Error('failed', { cause: error });
        }
      },
    }),
    noticedBy: 'a request to nobody is unreachable, not indeterminate',
  },
  'invents an identity': {
    network: (good) => ({
      handshake: async (addr, options) => ({ ...(await good.handshake(addr, options)), clusterId: 'mine' }),
    }),
    noticedBy: 'a handshake tells who answers',
  },
  'sends snapshots from the beginning always': {
    connection: (good) => ({
      sendSnapshot: async (header, chunks, options) => await good.sendSnapshot(header, () => chunks(0), options),
    }),
    noticedBy: 'a broken snapshot resumes where it broke',
  },
  'reads a snapshot that is declined': {
    connection: (good) => ({
      sendSnapshot: async (header, chunks, options) => {
        await chunks(0)[Symbol.asyncIterator]().next();
        return await good.sendSnapshot(header, chunks, options);
      },
    }),
    noticedBy: 'a declined snapshot is not read',
  },
  'reads a snapshot ahead of its receiver': {
    connection: (good) => ({
      sendSnapshot: async (header, chunks, options) => {
        const ahead: Uint8Array[] = [];
        for await (const chunk of chunks(0)) {
          ahead.push(chunk);
        }
        return await good.sendSnapshot(
          header,
          async function* () {
            yield* ahead;
          },
          options,
        );
      },
    }),
    noticedBy: 'a snapshot goes no faster than the receiver takes it',
  },
};

async function createSabotagedWorld({ connection, events, network }: Saboteur): Promise<NetworkWorld> {
  const world = await createMemWorld();
  return {
    ...world,
    async listen(addr, handler): Promise<NetworkEndpoint> {
      const endpoint = await world.listen(addr, handler);
      const good = endpoint.network;
      const bad = replace(good, {
        ...network?.(good),
        connect: (peer: Peer, goodEvents: PeerEvents) => {
          const line = good.connect(peer, replace(goodEvents, events?.(goodEvents) ?? {}));
          return replace(line, connection?.(line, peer) ?? {});
        },
      });
      return { ...endpoint, network: bad };
    },
  };
}

/** The object with some methods replaced. */
function replace<T extends object>(good: T, bad: Partial<T>): T {
  return new Proxy(good, {
    get(target, name): unknown {
      const value = name in bad ? bad[name as keyof T] : target[name as keyof T];
      return typeof value === 'function' && !(name in bad) ? value.bind(target) : value;
    },
  });
}

describe('the network suite notices an adapter that', () => {
  for (const [name, saboteur] of Object.entries(SABOTEURS)) {
    test(name, async () => {
      const suite = networkSuite({ create: async () => await createSabotagedWorld(saboteur) });
      const found = suite.cases.find((candidate) => candidate.name === saboteur.noticedBy);
      assert.ok(found !== undefined, saboteur.noticedBy);
      await assert.rejects(found.run());
    });
  }
});
