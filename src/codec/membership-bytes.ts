/**
 * A cluster configuration as bytes, in canonical order: equal memberships have equal bytes, on every node.
 *
 * ```text
 *   configs: u8, each  voters: u32, each  id: u64      ascending
 *   retainRemoved: u8
 *   nodes: u32, each   id: u64 | addr | instanceId? | metadata? as JSON text      ascending
 * ```
 */
import type { NodeId } from '../core/ids.ts';
import { isNodeId } from '../core/ids.ts';
import type { BasicNode, JsonValue, Membership, StoredMembership } from '../core/membership/membership.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import type { MakeError } from './make-error.ts';

const CONFIGS_MAX = 2;
const ID_BYTES = 8;

/** An id, an empty address and two marks. */
const NODE_BYTES_MIN = ID_BYTES + 4 + 1 + 1;

/** The bytes belong to the caller. */
export function encodeMembership(membership: Membership): Uint8Array {
  const writer = new ByteWriter();
  writeMembership(writer, membership);
  return writer.finish();
}

export function decodeMembership(bytes: Uint8Array, makeError: MakeError): Membership {
  const reader = new ByteReader(bytes, makeError);
  const membership = readMembership(reader);
  reader.end();
  return membership;
}

function writeMembership(writer: ByteWriter, membership: Membership): void {
  const { configs, nodes, retainRemoved } = membership;
  if (configs.length > CONFIGS_MAX) {
    throw new RangeError(`a membership has at most ${CONFIGS_MAX} configs, not ${configs.length}`);
  }
  writer.u8(configs.length);
  for (const config of configs) {
    writer.u32(config.length);
    for (const id of ascending(config)) {
      writer.counter(id);
    }
  }
  writer.boolean(retainRemoved);
  writer.u32(nodes.size);
  for (const id of ascending([...nodes.keys()])) {
    writer.counter(id);
    const node = nodes.get(id);
    if (node !== undefined) {
      writeNode(writer, node);
    }
  }
}

function readMembership(reader: ByteReader): Membership {
  const configCount = reader.u8();
  if (configCount > CONFIGS_MAX) {
    throw reader.problem(`a membership of ${configCount} configs`);
  }
  const configs: NodeId[][] = [];
  for (let i = 0; i < configCount; i++) {
    configs.push(readConfig(reader));
  }
  const retainRemoved = reader.boolean();
  return { configs, nodes: readNodes(reader), retainRemoved };
}

export function writeStoredMembership(writer: ByteWriter, stored: StoredMembership): void {
  writer.logId(stored.logId);
  writeMembership(writer, stored.membership);
}

export function readStoredMembership(reader: ByteReader): StoredMembership {
  const id = reader.logId();
  return { logId: id, membership: readMembership(reader) };
}

function readConfig(reader: ByteReader): NodeId[] {
  const config: NodeId[] = [];
  const count = reader.count(ID_BYTES);
  for (let i = 0, previous = 0; i < count; i++) {
    previous = readNextId(reader, previous);
    config.push(previous);
  }
  return config;
}

function readNodes(reader: ByteReader): Map<NodeId, BasicNode> {
  const nodes = new Map<NodeId, BasicNode>();
  const count = reader.count(NODE_BYTES_MIN);
  for (let i = 0, previous = 0; i < count; i++) {
    previous = readNextId(reader, previous);
    nodes.set(previous, readNode(reader));
  }
  return nodes;
}

/** Another order, or an id twice, is not what `writeMembership` writes. */
function readNextId(reader: ByteReader, previous: number): NodeId {
  const id = reader.nodeId();
  if (id <= previous) {
    throw reader.problem(`node ${id} after node ${previous}`);
  }
  return id;
}

function writeNode(writer: ByteWriter, { addr, instanceId, metadata }: BasicNode): void {
  writer.string(addr);
  writer.optional(instanceId, (id) => writer.string(id));
  writer.optional(metadata, (value) => writeJson(writer, value));
}

function readNode(reader: ByteReader): BasicNode {
  const addr = reader.string();
  const instanceId = reader.optional(() => reader.string());
  const metadata = reader.optional(() => readMetadata(reader));
  return { addr, instanceId, metadata };
}

function readMetadata(reader: ByteReader): JsonValue {
  const metadata = readJson(reader);
  if (metadata === null) {
    throw reader.problem('metadata that is marked as present, but is null');
  }
  return metadata;
}

/** A JSON value as text. */
export function writeJson(writer: ByteWriter, value: JsonValue): void {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) {
    throw new RangeError(`${String(value)} is not a JSON value`);
  }
  writer.string(text);
}

/** Only text that `writeJson` writes: then the value that is read is the value that was written. */
export function readJson(reader: ByteReader): JsonValue {
  const text = reader.string();
  let value: JsonValue;
  let again: string;
  try {
    value = JSON.parse(text);
    again = JSON.stringify(value);
  } catch (error) {
    throw reader.problem('text that is not JSON', error);
  }
  if (again !== text) {
    throw reader.problem('JSON that is not in canonical form');
  }
  return value;
}

function ascending(ids: readonly NodeId[]): readonly NodeId[] {
  const sorted = [...ids].sort((a, b) => a - b);
  for (const [i, id] of sorted.entries()) {
    if (!isNodeId(id) || id === sorted[i - 1]) {
      throw new RangeError(`${ids.join(', ')}: node ids are positive safe integers, each once`);
    }
  }
  return sorted;
}
