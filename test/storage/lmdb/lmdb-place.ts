/** A directory with a log in it, for the conformance suite: it can damage what the log holds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Database, RootDatabase } from 'lmdb';
import { open } from 'lmdb';
import { skipRecord } from '../../../src/codec/record.ts';
import { LmdbLogStore } from '../../../src/storage/lmdb/lmdb-log-store.ts';
import type { LogStoreDamage, LogStorePlace } from '../../../src/testing/conformance/log-store-place.ts';
import { SeededRandom } from '../../../src/testing/conformance/seeded-random.ts';

const RECORD_NAMES = { 'hard-state': 'hard-state', identity: 'identity', 'last-purged': 'purged' } as const;

export function lmdbPlace(): LogStorePlace {
  const directory = mkdtempSync(join(tmpdir(), 'zlayer-log-'));
  return {
    location: directory,
    make: () => new LmdbLogStore({ directory }),
    remove: () => rmSync(directory, { recursive: true }),
    damage: (damage) => damageLog(directory, damage),
  };
}

export interface Tables {
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly groups: Database<Buffer, Buffer>;
  readonly records: Database<Buffer, string>;
}

/** Opens the log's tables without the log's code. */
export function openTables(directory: string): Tables {
  const root = open<Buffer, Buffer>({
    path: directory,
    noSubdir: false,
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: false,
  });
  const groups = root.openDB<Buffer, Buffer>({ name: 'groups', encoding: 'binary', keyEncoding: 'binary' });
  return { root, groups, records: root.openDB<Buffer, string>({ name: 'records', encoding: 'binary' }) };
}

async function damageLog(directory: string, { part, index, type, seed }: LogStoreDamage): Promise<void> {
  const tables = openTables(directory);
  const random = new SeededRandom(seed);
  if (part === 'entry') await damageEntry(tables, index, type === 'flip' ? random : null);
  else await damageRecord(tables, RECORD_NAMES[part], type === 'flip' ? random : null);
  await tables.root.close();
}

/** Without `random` it is removed. */
async function damageRecord({ records }: Tables, name: string, random: SeededRandom | null): Promise<void> {
  const bytes = Buffer.from(records.getBinary(name) ?? '');
  if (random === null) await records.remove(name);
  else await records.put(name, flipped(bytes, random, 0, bytes.byteLength));
}

async function damageEntry({ groups }: Tables, index: number, random: SeededRandom | null): Promise<void> {
  for (const key of [...groups.getKeys().map((each) => Buffer.from(each))]) {
    const bytes = Buffer.from(groups.getBinary(key) ?? '');
    const span = spanOf(bytes, index);
    if (span === null) continue;
    const [start, end] = span;
    const rest = Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
    if (random !== null) await groups.put(key, flipped(bytes, random, start, end));
    else if (rest.byteLength > 0) await groups.put(key, rest);
    else await groups.remove(key);
    return;
  }
}

/** Where the record of the entry is within a group. */
function spanOf(bytes: Uint8Array, index: number): readonly [number, number] | null {
  let offset = 0;
  while (offset < bytes.byteLength) {
    const { index: found, nextOffset } = skipRecord(bytes, offset);
    if (found === index) return [offset, nextOffset];
    offset = nextOffset;
  }
  return null;
}

function flipped(bytes: Buffer, random: SeededRandom, start: number, end: number): Buffer {
  const position = random.between(start, end - 1);
  bytes[position] = (bytes[position] ?? 0) ^ (1 << random.between(0, 7));
  return bytes;
}
