/**
 * `zlayer-consensus/storage/lmdb/offline`: looks at the directories of durable nodes, and rescues them. Needs the
 * packages `lmdb` and `fs-native-extensions`. The command line `zlayer-consensus` offers the same.
 */
export type { BackupHeader } from './backup-format.ts';
export type { BackupOptions, BackupReport } from './backup-storage.ts';
export { backupStorage } from './backup-storage.ts';
export type { Finding } from './finding.ts';
export type { BackupContent, InspectBackupOptions } from './inspect-backup.ts';
export { inspectBackup } from './inspect-backup.ts';
export type { InspectedEntry, InspectOptions, LogStatus, StorageReport } from './inspect-storage.ts';
export { inspectStorage } from './inspect-storage.ts';
export type { RecoverQuorumOptions, RecoveryPlan, RecoveryReport, RecoveryState } from './recover-quorum.ts';
export { recoverQuorum } from './recover-quorum.ts';
export type { RecoveryNote } from './recovery-note.ts';
export type { RestoreOptions, RestoreReport } from './restore-backup.ts';
export { restoreBackup } from './restore-backup.ts';
export type { SnapshotStatus } from './snapshot-survey.ts';
export type { VerifyOptions, VerifyReport } from './verify-storage.ts';
export { verifyStorage } from './verify-storage.ts';
export type { OfflineOptions, OfflineProgress } from './work.ts';
