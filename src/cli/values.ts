/** How values look in text and in JSON. */
import type { LogId, Membership, NodeId, StoredMembership } from '../index.ts';
import { countText } from './layout.ts';

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'];

export function sizeText(bytes: number): string {
  let size = bytes;
  let unit = 'B';
  for (const larger of UNITS) {
    if (size < 1024) break;
    size /= 1024;
    unit = larger;
  }
  return unit === 'B' ? `${bytes} B` : `${size.toFixed(size < 10 ? 2 : 1)} ${unit}`;
}

/** In UTC, with milliseconds. */
export function timeText(timeMs: number): string {
  const isTime = Math.abs(timeMs) <= 8.64e15;
  return isTime ? new Date(timeMs).toISOString().replace('T', ' ') : `${timeMs} ms`;
}

/** Term and index. */
export function positionText({ term, index }: LogId): string {
  return index === 0 ? 'none' : `${term}:${index}`;
}

export function checksumText(checksum: number): string {
  return checksum.toString(16).padStart(8, '0');
}

export function entriesText(fromIndex: number, toIndex: number): string {
  if (toIndex - fromIndex === 1) return `entry ${countText(fromIndex)}`;
  return `entries ${countText(fromIndex)} to ${countText(toIndex - 1)}`;
}

export function nodesText(ids: readonly NodeId[]): string {
  const last = ids.at(-1);
  if (last === undefined) return 'no node';
  return ids.length === 1 ? `node ${last}` : `nodes ${ids.slice(0, -1).join(', ')} and ${last}`;
}

/** `1, 2, 3`, for a joint config `1, 2, 3 -> 1, 2`. */
export function votersText({ configs }: Membership): string {
  return configs.map((config) => config.join(', ')).join(' -> ') || 'none';
}

export function roleOf({ configs }: Membership, id: NodeId): string {
  const votes = configs.filter((config) => config.includes(id)).length;
  if (votes === 0) return 'learner';
  if (votes === configs.length) return 'voter';
  return configs.at(-1)?.includes(id) === true ? 'voter soon' : 'leaves';
}

/** Plain data for `JSON.stringify`: maps by id become lists, bytes become hex. */
export function toJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (value instanceof Map) return [...value].map(([id, item]) => ({ id, ...(toJson(item) as object) }));
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, toJson(item)]));
}

export function membershipRows({ membership }: StoredMembership): readonly (readonly string[])[] {
  return [...membership.nodes].map(([id, { addr, instanceId, metadata }]) => [
    String(id),
    roleOf(membership, id),
    addr,
    instanceId ?? 'not known',
    metadata === null ? '' : JSON.stringify(metadata),
  ]);
}
