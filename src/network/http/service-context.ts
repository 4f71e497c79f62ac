/** What the parts of the service share. */
import { PeerRefusedError } from '../../errors.ts';
import type { Envelope, InboundHandler } from '../../ports/network.ts';
import type { ReplyOutbox } from './reply-outbox.ts';
import type { RaftServiceConfig, RaftServiceTarget } from './service-options.ts';
import type { ServiceReport } from './service-report.ts';
import type { SnapshotInbox } from './snapshot-inbox.ts';

export interface ServiceContext {
  readonly config: RaftServiceConfig;
  readonly target: RaftServiceTarget;
  readonly report: ServiceReport;
  readonly inbox: SnapshotInbox;
  readonly outbox: ReplyOutbox;
  /** Aborted when the service is closed. */
  readonly closing: AbortSignal;
}

/** @throws PeerRefusedError while the node can't answer */
export function requireReady({ target, closing }: ServiceContext): InboundHandler {
  if (target.inbound === null || target.inbound === undefined || closing.aborted) {
    throw new PeerRefusedError('not-ready', 'the node is starting or stopping; retry later');
  }
  return target.inbound;
}

/** @throws PeerRefusedError when the sender does not mean this node */
export function requireAdmission(context: ServiceContext, envelope: Envelope): InboundHandler {
  const inbound = requireReady(context);
  inbound.admit(envelope);
  return inbound;
}
