/** The contract of the network port as runnable cases: every adapter passes them all. */
import type { Checks, ConformanceSuite } from './conformance-suite.ts';
import { makeSuite } from './conformance-suite.ts';
import * as calls from './network-call-cases.ts';
import * as messages from './network-message-cases.ts';
import * as snapshots from './network-snapshot-cases.ts';
import type { NetworkSuiteOptions, NetworkWorld } from './network-world.ts';

const CHECKS: Checks<NetworkWorld> = {
  'delivers messages to a peer in the order they were sent': messages.deliversInOrder,
  'delivers every kind of message and answer unchanged': messages.deliversEveryKind,
  'brings an answer to the connection that asked': messages.routesAnswers,
  'an answer that never comes blocks nothing': messages.unansweredMessageBlocksNothing,
  'delivers appends larger than 2 MB': messages.deliversBigAppends,
  'reports a peer that is not there, with its address': messages.reportsUnreachable,
  'comes back by itself when the peer does': messages.comesBackByItself,
  'a dead or hanging peer disturbs no other': messages.deadPeerDisturbsNoOther,
  'a node of another cluster, id or instance refuses, once and for all': messages.refusesStrangers,
  'queues a bounded number of bytes for a hanging peer': messages.boundsItsQueue,
  'a closed connection neither sends nor reports': messages.closedConnectionSendsNothing,
  'brings requests to the peer and responses back': calls.answersRequests,
  'responses come in any order': calls.answersOutOfOrder,
  'an error of the peer arrives with its code and leader': calls.failedRequestNamesTheError,
  'an aborted request ends on both sides': calls.abortedRequestEndsOnBothSides,
  'a request to nobody is unreachable, not indeterminate': calls.requestToNobodyIsSafeToRetry,
  'a request cut off by the peer is indeterminate': calls.requestCutOffIsIndeterminate,
  'closing ends what hangs': calls.closingEndsWhatHangs,
  'a handshake tells who answers': calls.handshakeTellsWhoAnswers,
  'a handshake with nobody or somebody silent fails clearly': calls.handshakeFailsClearly,
  'streams snapshots of any size': snapshots.streamsSnapshots,
  'a declined snapshot is not read': snapshots.snapshotCanBeDeclined,
  'a snapshot goes no faster than the receiver takes it': snapshots.snapshotWaitsForTheReceiver,
  'messages pass while a snapshot streams': snapshots.messagesPassDuringASnapshot,
  'a broken snapshot resumes where it broke': snapshots.snapshotResumesWhereItBroke,
  'another snapshot starts from the first byte': snapshots.newSnapshotStartsAtZero,
  'a damaged snapshot is refused and not resumed': snapshots.damagedSnapshotIsRefused,
  'a failure of the receiver reaches the sender': snapshots.receiverFailureReachesTheSender,
  'an aborted snapshot ends on both sides': snapshots.abortedSnapshotEndsOnBothSides,
  'a snapshot to nobody fails and reads nothing': snapshots.snapshotToNobodyFails,
  'a receiver that hangs can be left': snapshots.hangingReceiverCanBeLeft,
};

/**
 * The cases, each in a world of its own.
 *
 * ```ts
 * runSuite(networkSuite({ create: createMyWorld }), test);
 * ```
 */
export function networkSuite({ create }: NetworkSuiteOptions): ConformanceSuite {
  return makeSuite([{ checks: CHECKS, absence: null }], create);
}
