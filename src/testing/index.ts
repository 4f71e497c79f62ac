/** What proves an adapter: conformance suites for every port, independent of the test runner. */
export type { CapabilityOptions, PlaceCapability } from './conformance/capabilities.ts';
export type { ConformanceCase, ConformanceSuite, NotCovered } from './conformance/conformance-suite.ts';
export { runSuite } from './conformance/conformance-suite.ts';
export type { LogStoreDamage, LogStorePlace, LogStoreSuiteOptions } from './conformance/log-store-place.ts';
export { logStoreSuite } from './conformance/log-store-suite.ts';
export type { ReceivedMessage, ReceivedRequest } from './conformance/network-handler.ts';
export { RecordingHandler, RecordingSink } from './conformance/network-handler.ts';
export { networkSuite } from './conformance/network-suite.ts';
export type { NetworkEndpoint, NetworkSuiteOptions, NetworkWorld } from './conformance/network-world.ts';
export type { Place, PlaceFault } from './conformance/place.ts';
export { snapshotStoreSuite } from './conformance/snapshot-store-suite.ts';
export type {
  SnapshotStoreDamage,
  SnapshotStorePlace,
  SnapshotStoreSuiteOptions,
} from './conformance/snapshot-store-world.ts';
export { stateMachineSuite } from './conformance/state-machine-suite.ts';
export type { StateMachinePlace, StateMachineSuiteOptions } from './conformance/state-machine-world.ts';
