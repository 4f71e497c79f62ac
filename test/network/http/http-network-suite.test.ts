import { describe, test } from 'node:test';
import { runSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { networkSuite } from '../../../src/testing/conformance/network-suite.ts';
import { createHttpWorld } from './http-world.ts';

describe('the HTTP network keeps the contract of the port over streams', () => {
  runSuite(networkSuite({ create: () => createHttpWorld() }), test);
});

describe('the HTTP network keeps the contract of the port over POSTs', () => {
  runSuite(networkSuite({ create: () => createHttpWorld({ network: { transport: 'post' } }) }), test);
});

describe('the HTTP network keeps the contract of the port with a token, and snapshots in one request', () => {
  const network = { transport: 'post', postSnapshots: 'full', authToken: 'secret' } as const;
  const service = { authToken: ['other', 'secret'] };
  // Only the buffers of the system lie between sender and receiver, and on loopback they grow to some MiB.
  const maxSnapshotWindowBytes = 12 * 1024 * 1024;
  const create = async () => await createHttpWorld({ network, service, maxSnapshotWindowBytes });
  runSuite(networkSuite({ create }), test);
});
