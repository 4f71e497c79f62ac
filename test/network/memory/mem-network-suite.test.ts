import { describe, test } from 'node:test';
import { runSuite } from '../../../src/testing/conformance/conformance-suite.ts';
import { networkSuite } from '../../../src/testing/conformance/network-suite.ts';
import { createMemWorld } from './mem-world.ts';

describe('the in-memory network keeps the contract of the port', () => {
  runSuite(networkSuite({ create: createMemWorld }), test);
});
