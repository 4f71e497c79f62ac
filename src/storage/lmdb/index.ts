/** `zlayer-consensus/storage/lmdb`: durable storage on a local disk. Needs the packages `lmdb` and `fs-native-extensions`. */
export type { LmdbLogStoreOptions } from './lmdb-log-store.ts';
export { LmdbLogStore } from './lmdb-log-store.ts';
export type { DurableStorage, DurableStorageOptions } from './open-durable-storage.ts';
export { openDurableStorage } from './open-durable-storage.ts';
export type { ApplyContext, LmdbStateMachineOptions } from './state/lmdb-state-machine.ts';
export { LmdbStateMachine } from './state/lmdb-state-machine.ts';
