import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeRemoteFailure, encodeRemoteFailure } from '../../src/codec/envelope-bytes.ts';
import { fromRemoteFailure, toRemoteFailure } from '../../src/codec/remote-error.ts';
import type { ErrorCode } from '../../src/errors.ts';
import {
  BusyError,
  ConsensusError,
  CorruptionError,
  ERROR_CODES,
  FatalError,
  IndeterminateError,
  LeaseExpiredError,
  NotLeaderError,
  PayloadTooLargeError,
  PeerRefusedError,
  ProtocolError,
  QuorumNotEnoughError,
  SerializationError,
  SnapshotError,
  StoppedError,
  StorageError,
  TimeoutError,
  TransferError,
  UnauthenticatedError,
  UnreachableError,
} from '../../src/errors.ts';

const peer = { nodeId: 2, peerAddr: 'b:9000' };
const leaderNode = { addr: 'c:9000', instanceId: null, metadata: null };

/** As over a wire. */
function afterTransfer(error: unknown, mayHaveAppended?: boolean): ConsensusError {
  const failure = decodeRemoteFailure(encodeRemoteFailure(toRemoteFailure(error)));
  return fromRemoteFailure(failure, mayHaveAppended === undefined ? peer : { ...peer, mayHaveAppended });
}

/** All fields that users may look at. */
function fieldsOf(error: ConsensusError): object {
  return { ...error, name: error.name, message: error.message };
}

describe('a remote error', () => {
  const unchanged: ConsensusError[] = [
    new NotLeaderError(2, 3, leaderNode),
    new NotLeaderError(2, 3, null),
    new NotLeaderError(2, null, null),
    new BusyError('maxUncommittedBytes', 'too many bytes wait for a quorum'),
    new PayloadTooLargeError(2_000_000, 1_000_000),
    new TimeoutError('propose', 5000),
    new QuorumNotEnoughError([1, 2, 3], [2]),
    new LeaseExpiredError('the lease ran out'),
    new IndeterminateError('leadership was lost', { logId: { term: 3, index: 9 }, leaderId: 3, leaderNode }),
    new IndeterminateError('the deadline passed'),
    new SerializationError('request.f can not be encoded'),
    new TransferError('a transfer is in progress'),
    new PeerRefusedError('instance', 'you want another one'),
    new UnauthenticatedError('no token'),
    new ProtocolError('invalid message'),
    new SnapshotError('superseded'),
    new UnreachableError('b:9000', 'connection refused'),
  ];
  for (const error of unchanged) {
    test(`${error.code} arrives as it was: ${error.message.slice(0, 40)}`, () => {
      const arrived = afterTransfer(error);
      assert.equal(Object.getPrototypeOf(arrived), Object.getPrototypeOf(error));
      assert.deepStrictEqual(fieldsOf(arrived), fieldsOf(error));
      assert.ok(arrived.stack?.startsWith(`${error.name}: ${error.message}`) === true);
      assert.deepStrictEqual(fieldsOf(afterTransfer(error, false)), fieldsOf(error));
    });
  }

  const breakdowns = [
    new FatalError(2, 'the disk is full'),
    new StoppedError(2),
    new StorageError('write failed'),
    new CorruptionError('bad record'),
    new TypeError('x is not a function'),
    new DOMException('aborted', 'AbortError'),
    'a thrown string',
  ];
  for (const error of breakdowns) {
    test(`a breakdown leaves open whether a proposal was appended: ${String(error)}`, () => {
      const arrived = afterTransfer(error);
      assert.ok(arrived instanceof IndeterminateError);
      assert.equal(arrived.retry, 'unsafe');
      assert.match(arrived.message, /node 2 at b:9000 failed \([A-Z]+\): /);
      assert.deepStrictEqual(fieldsOf(afterTransfer(error, true)), fieldsOf(arrived));
    });

    test(`a breakdown is safe to retry elsewhere where nothing is ever appended: ${String(error)}`, () => {
      const arrived = afterTransfer(error, false);
      assert.ok(arrived instanceof UnreachableError);
      assert.equal(arrived.retry, 'safe');
      assert.equal(arrived.addr, 'b:9000');
    });
  }

  test('of a newer release is judged like a breakdown', () => {
    const failure = { code: 'NEWER', message: 'what happened', leaderId: 3, leaderAddr: 'c:9000' };
    const arrived = fromRemoteFailure(failure, peer);
    assert.ok(arrived instanceof IndeterminateError);
    assert.equal(arrived.leaderId, 3);
    assert.deepStrictEqual(arrived.leaderNode, leaderNode);
    assert.ok(fromRemoteFailure(failure, { ...peer, mayHaveAppended: false }) instanceof UnreachableError);
  });

  test('never claims that a retry is safe when the peer did not', () => {
    for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
      const arrived = afterTransfer(new ConsensusError(code, 'what happened'));
      if (ERROR_CODES[code] !== 'safe') {
        assert.notEqual(arrived.retry, 'safe', code);
      }
      if (arrived.code !== 'INDETERMINATE') {
        assert.equal(arrived.code, code);
        assert.equal(arrived.message, 'what happened');
      }
    }
    assert.equal(afterTransfer(new IndeterminateError('lost'), false).code, 'INDETERMINATE');
  });

  test('does without details that are missing or wrong', () => {
    const base = { message: 'm', leaderId: null, leaderAddr: null };
    for (const details of [null, [], 'x', { logId: 7, limit: 7, voters: [0, 'a'], sizeBytes: 'x', reason: 'new' }]) {
      for (const code of Object.keys(ERROR_CODES)) {
        assert.equal(ConsensusError.is(fromRemoteFailure({ ...base, code, details }, peer)), true);
      }
    }
    const refused = fromRemoteFailure({ ...base, code: 'PEER_REFUSED' }, peer);
    assert.ok(refused instanceof PeerRefusedError && refused.reason === 'version');
    const quorum = fromRemoteFailure({ ...base, code: 'QUORUM_NOT_ENOUGH', details: { voters: [1, 0] } }, peer);
    assert.ok(quorum instanceof QuorumNotEnoughError);
    assert.deepEqual([quorum.voters, quorum.confirmed], [[1], []]);
  });

  test('has a message that fits a frame and is text, whatever was thrown', () => {
    const failure = toRemoteFailure(new SnapshotError(`\ud800${'x'.repeat(1_000_000)}`));
    assert.equal(failure.message.length, 4096);
    assert.ok(failure.message.startsWith('\ufffdx'));
    assert.equal(afterTransfer(new Error('half \udc00')).message.isWellFormed(), true);
  });
});
