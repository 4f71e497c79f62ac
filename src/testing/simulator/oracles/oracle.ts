/** What an oracle is: it watches one property, and says when it does not hold. */
import type { LogId, NodeId } from '../../../core/ids.ts';
import type { Message, SnapshotMeta } from '../../../core/message.ts';
import type { SettledCall, StartedCall } from '../observation/client-call.ts';
import type { LogWrite } from '../observation/log-image.ts';
import type { AppliedEntry, NodeView } from '../observation/node-view.ts';

/** The name of a property that does not hold, and how that shows. */
export class SafetyViolation extends Error {
  readonly property: string;

  constructor(property: string, details: string) {
    super(`${property}: ${details}`);
    this.name = 'SafetyViolation';
    this.property = property;
  }
}

/** A snapshot as a state machine took it over. */
export interface RestoredState {
  readonly meta: SnapshotMeta;
  /** Fingerprint of everything that was ever applied to it. */
  readonly digest: number;
  /** Fingerprint of the state itself. */
  readonly stateHash: number;
}

/** Each method may throw a `SafetyViolation`. None of them may change anything that it is given. */
export interface Oracle {
  /** A callback of the process ended, and all that its promises led to. */
  settled?(node: NodeView): void;
  /** A message leaves. */
  sent?(node: NodeView, to: NodeId, message: Message): void;
  /** A write is handed to the log store. The view's log has it already. */
  issued?(node: NodeView, write: LogWrite): void;
  /** A write is on the disk, as the store says. The view's disk has it already. */
  durable?(node: NodeView, write: LogWrite): void;
  /** A new process opened the log; `isExplained`: it holds what was written to it. */
  opened?(node: NodeView, isExplained: boolean): void;
  /** The state machine starts where its process found it. */
  started?(node: NodeView, applied: LogId): void;
  applied?(node: NodeView, applied: AppliedEntry): void;
  restored?(node: NodeView, restored: RestoredState): void;
  /** A snapshot of the state was begun. */
  viewed?(
    node: NodeView,
    state: { readonly applied: LogId; readonly digest: number; readonly stateHash: number },
  ): void;
  called?(call: StartedCall): void;
  returned?(call: SettledCall): void;
  /** The run is over; nothing of it is under way any more. */
  ended?(): void;
}

export function check(condition: boolean, property: string, details: () => string): void {
  if (!condition) throw new SafetyViolation(property, details());
}
