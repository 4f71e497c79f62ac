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
export type { CheckLimits } from './linearizability/check-linearizability.ts';
export { checkLinearizability, DEFAULT_CHECK_LIMITS } from './linearizability/check-linearizability.ts';
export type {
  CheckResult,
  CheckStatistics,
  Linearization,
  UndecidedPartition,
} from './linearizability/check-result.ts';
export type { ShownOperation, ShownStep, ShownViolation } from './linearizability/explain/violation.ts';
export type { HistoryEvent } from './linearizability/history.ts';
export { formatEvent, formatHistory, operationsOf, parseHistory } from './linearizability/history.ts';
export type { HistoryRecorderOptions, OpenOperation } from './linearizability/history-recorder.ts';
export { HistoryRecorder } from './linearizability/history-recorder.ts';
export type { HeldValue, Model, Partition, Parts, Precision, Step, Values } from './linearizability/model.ts';
export { accepted, groupByKey, perKey, REFUSED } from './linearizability/model.ts';
export type { CasRegisterInput, CasRegisterOutput } from './linearizability/models/cas-register.ts';
export { casRegisterModel } from './linearizability/models/cas-register.ts';
export type { CounterInput, CounterOutput } from './linearizability/models/counter.ts';
export { counterModel } from './linearizability/models/counter.ts';
export type { KeyValueState } from './linearizability/models/key-value.ts';
export { keyValueModel } from './linearizability/models/key-value.ts';
export type { KeyValueInput, KeyValueOutput, ListedEntries } from './linearizability/models/key-value-operations.ts';
export type { LockInput, LockOutput, LockState } from './linearizability/models/lock.ts';
export { lockModel } from './linearizability/models/lock.ts';
export type { RegisterInput, RegisterOutput } from './linearizability/models/register.ts';
export { registerModel } from './linearizability/models/register.ts';
export type { Scalar } from './linearizability/models/scalar.ts';
export type {
  Call,
  FailedOperation,
  OkOperation,
  Operation,
  ProcessId,
  UnknownOperation,
} from './linearizability/operation.ts';
export type { TimelineOptions } from './linearizability/render/timeline.ts';
export { renderTimeline } from './linearizability/render/timeline.ts';
export type { TimelineSvgOptions } from './linearizability/render/timeline-svg.ts';
export { renderTimelineSvg } from './linearizability/render/timeline-svg.ts';
export { violationText } from './linearizability/render/violation-text.ts';
export type { LimitReached } from './linearizability/search/limits.ts';
export type { KvInput, KvKeyState, KvOutput } from './simulator/kv/kv-model.ts';
export { kvModel, operationsOfCalls } from './simulator/kv/kv-model.ts';
export type { SettledCall, StartedCall } from './simulator/observation/client-call.ts';
export { HEALED_LIMITS } from './simulator/run/healed-phase.ts';
export { runSeed } from './simulator/run/run-seed.ts';
export type { ShrinkOptions, Shrunk } from './simulator/run/shrink.ts';
export { shrink } from './simulator/run/shrink.ts';
export type { SimCounts, SimOptions, SimOutcome, SimResult } from './simulator/run/sim-options.ts';
export { checkQuorumLeft, parseSchedule, ScheduleError } from './simulator/schedule/check-schedule.ts';
export type { FaultAction, FaultItem, FaultKind, Target } from './simulator/schedule/fault-item.ts';
export { FAULT_KINDS } from './simulator/schedule/fault-item.ts';
export type { SimSettings } from './simulator/settings.ts';
export type { TraceSink } from './simulator/trace.ts';
