import { test } from 'node:test';
import { logStoreSuite, runSuite } from 'zlayer-consensus/testing';
import { OwnStorePlace } from './own-store-place.ts';

const create = () => new OwnStorePlace();
runSuite(logStoreSuite({ create, persistent: true, capabilities: ['crash', 'damage', 'lock'] }), test);
