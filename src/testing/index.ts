/** What proves an adapter: conformance suites for every port, independent of the test runner. */
export type { ConformanceCase, ConformanceSuite, NotCovered } from './conformance/conformance-suite.ts';
export { runSuite } from './conformance/conformance-suite.ts';
export type { LogStoreSuiteOptions } from './conformance/log-store-suite.ts';
export { logStoreSuite } from './conformance/log-store-suite.ts';
export type { ReceivedMessage, ReceivedRequest } from './conformance/network-handler.ts';
export { RecordingHandler, RecordingSink } from './conformance/network-handler.ts';
export { networkSuite } from './conformance/network-suite.ts';
export type { NetworkEndpoint, NetworkSuiteOptions, NetworkWorld } from './conformance/network-world.ts';
export type { Place } from './conformance/place.ts';
export type { SnapshotStoreSuiteOptions } from './conformance/snapshot-store-suite.ts';
export { snapshotStoreSuite } from './conformance/snapshot-store-suite.ts';
export { stateMachineSuite } from './conformance/state-machine-suite.ts';
export type { StateMachinePlace, StateMachineSuiteOptions } from './conformance/state-machine-world.ts';
