import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from '../../src/codec/byte-writer.ts';
import { protocolErrorIn } from '../../src/codec/make-error.ts';
import { decodeMembership, encodeMembership } from '../../src/codec/membership-bytes.ts';
import type { BasicNode, JsonValue, Membership } from '../../src/core/membership/membership.ts';
import { EMPTY_MEMBERSHIP } from '../../src/core/membership/membership.ts';
import { ProtocolError } from '../../src/errors.ts';
import { memberships } from './arbitraries.ts';
import { assertForgeryIsRefusedOrWhole, assertRefused, toHex } from './damage.ts';

const refusal = {
  error: ProtocolError,
  decode: (bytes: Uint8Array): Membership => decodeMembership(bytes, protocolErrorIn('membership')),
  encode: (value: unknown): Uint8Array => encodeMembership(value as Membership),
};

function node(addr: string, metadata: JsonValue | null = null): BasicNode {
  return { addr, instanceId: null, metadata };
}

describe('membership bytes', () => {
  test('give back every membership', () => {
    fc.assert(
      fc.property(memberships, (membership) => {
        assert.deepStrictEqual(refusal.decode(encodeMembership(membership)), membership);
      }),
      { numRuns: 300 },
    );
    assert.deepStrictEqual(refusal.decode(encodeMembership(EMPTY_MEMBERSHIP)), EMPTY_MEMBERSHIP);
  });

  test('are the same for equal memberships, in whatever order they were put together', () => {
    fc.assert(
      fc.property(memberships, (membership) => {
        const backwards: Membership = {
          configs: membership.configs.map((config) => config.toReversed()),
          nodes: new Map([...membership.nodes].reverse()),
          retainRemoved: membership.retainRemoved,
        };
        assert.equal(toHex(encodeMembership(backwards)), toHex(encodeMembership(membership)));
      }),
    );
  });

  test('keep the order of the two configs of a joint one', () => {
    const nodes = new Map([1, 2].map((id) => [id, node(`n${id}`)]));
    const joint = { configs: [[2], [1]], nodes, retainRemoved: true };
    assert.deepStrictEqual(refusal.decode(encodeMembership(joint)), joint);
  });

  test('are refused, or understood to the last bit, where they are damaged', () => {
    const damages = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(memberships, damages, fc.nat(3), (membership, changes, cut) => {
        const bytes = Uint8Array.from(encodeMembership(membership));
        for (const [at, byte] of changes) {
          bytes[at % bytes.byteLength] = byte;
        }
        assertForgeryIsRefusedOrWhole(bytes.slice(0, bytes.byteLength - cut), refusal);
      }),
      { numRuns: 1000 },
    );
  });

  test('are refused at once when they announce more than can follow', () => {
    for (const bytes of [
      [1, 0xff, 0xff, 0xff, 0xff],
      [0, 0, 0xff, 0xff, 0xff, 0xff],
      [255, 0, 0, 0, 0],
    ]) {
      assertRefused(Uint8Array.from(bytes), refusal, `${bytes}`);
    }
  });

  test('are refused where metadata is marked as present but null, or is not canonical JSON', () => {
    for (const text of ['null', '{"a": 1}', '{"a":1,"a":2}', '[', '1e2', '', `${'['.repeat(50_000)}`]) {
      const writer = new ByteWriter();
      writer.u8(0);
      writer.boolean(false);
      writer.u32(1);
      writer.nodeId(1);
      writer.string('a');
      writer.boolean(false);
      writer.boolean(true);
      writer.string(text);
      assertRefused(writer.finish(), refusal, text.slice(0, 20));
    }
  });

  test('are never made of a membership that they could not give back', () => {
    const nodes = new Map([[1, node('a')]]);
    const wrong: Membership[] = [
      { configs: [[1], [1], [1]], nodes, retainRemoved: false },
      { configs: [[1, 1]], nodes, retainRemoved: false },
      { configs: [[0]], nodes, retainRemoved: false },
      { configs: [], nodes: new Map([[0.5, node('a')]]), retainRemoved: false },
      { configs: [], nodes: new Map([[1, node('\ud800')]]), retainRemoved: false },
      { configs: [], nodes: new Map([[1, node('a', (() => 1) as unknown as JsonValue)]]), retainRemoved: false },
    ];
    for (const membership of wrong) {
      assert.throws(() => encodeMembership(membership), RangeError);
    }
  });
});
