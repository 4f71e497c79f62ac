/** `zlayer-consensus/storage/memory`: stores and a state machine that live as long as their objects. */
export { MemLogStore } from './mem-log-store.ts';
export { MemSnapshotStore } from './mem-snapshot-store.ts';
export { type ApplyContext, MemStateMachine, type MemStateMachineOptions } from './mem-state-machine.ts';
