/** Shows what is in a backup, after it has read all of it. */
import { resolve } from 'node:path';
import type { StoredMembership } from '../../../core/membership/membership.ts';
import { NO_MEMBERSHIP } from '../../../core/membership/membership.ts';
import { systemFileSystem } from '../../../system/system-file-system.ts';
import type { BackupHeader } from './backup-format.ts';
import { BackupReader } from './backup-reader.ts';
import type { OfflineOptions } from './work.ts';
import { Work } from './work.ts';

export interface InspectBackupOptions extends OfflineOptions {
  readonly file: string;
}

export interface BackupContent {
  readonly file: string;
  readonly sizeBytes: number;
  readonly header: BackupHeader;
  /** As of the last entry. */
  readonly membership: StoredMembership;
}

/**
 * Reads every byte and checks it.
 * @throws CorruptionError when it is damaged
 * @throws StorageError when it can't be read, or is no backup
 */
export async function inspectBackup(options: InspectBackupOptions): Promise<BackupContent> {
  const file = resolve(options.file);
  const reader = await BackupReader.open(systemFileSystem, file);
  try {
    const { header, sizeBytes } = reader;
    let membership = header.snapshot?.meta.membership ?? NO_MEMBERSHIP;
    for await (const part of reader.parts(new Work(options))) {
      if (part.type !== 'entries') continue;
      for (const entry of part.entries) {
        if (entry.membership !== null) membership = { logId: entry.logId, membership: entry.membership };
      }
    }
    return { file, sizeBytes, header, membership };
  } finally {
    await reader.close();
  }
}
