/** `zlayer-consensus/storage/snapshot-files`: snapshots in checksummed files. */
export type { FileSnapshotStoreOptions } from './file-snapshot-store.ts';
export { FILE_SNAPSHOT_STORE_DEFAULTS, FileSnapshotStore } from './file-snapshot-store.ts';
export type { KeptFile, SnapshotFiles, VerifiedFile } from './inspect-files.ts';
export { listSnapshotFiles, verifySnapshotFile } from './inspect-files.ts';
