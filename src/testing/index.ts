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
export type { SettledCall } from './simulator/observation/client-call.ts';
export { HEALED_LIMITS } from './simulator/run/healed-phase.ts';
export { runSeed } from './simulator/run/run-seed.ts';
export type { ShrinkOptions, Shrunk } from './simulator/run/shrink.ts';
export { shrink } from './simulator/run/shrink.ts';
export type { SimCounts, SimOptions, SimOutcome, SimResult } from './simulator/run/sim-options.ts';
export { checkQuorumLeft, parseSchedule, ScheduleError } from './simulator/schedule/check-schedule.ts';
export type { FaultAction, FaultItem, FaultKind, Target } from './simulator/schedule/fault-item.ts';
export { FAULT_KINDS } from './simulator/schedule/fault-item.ts';
export type { SimSettings } from './simulator/settings.ts';
