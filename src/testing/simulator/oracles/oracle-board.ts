/** All oracles together. What one of them finds is kept: who is being watched must not notice. */
import type { LogId, NodeId } from '../../../core/ids.ts';
import type { Message } from '../../../core/message.ts';
import type { SettledCall, StartedCall } from '../observation/client-call.ts';
import { CommittedLog } from '../observation/committed-log.ts';
import { KnownEntries } from '../observation/known-entries.ts';
import type { LogImage, LogWrite } from '../observation/log-image.ts';
import type { AppliedEntry, NodeView } from '../observation/node-view.ts';
import { ApplyOnce } from './apply-once.ts';
import { CallTruth } from './call-truth.ts';
import { DurableLog } from './durable-log.ts';
import { DurablePromises } from './durable-promises.ts';
import { ElectionSafety } from './election-safety.ts';
import { LeaderAppendOnly } from './leader-append-only.ts';
import { LeaderCompleteness } from './leader-completeness.ts';
import { LogMatching } from './log-matching.ts';
import { MembershipSafety } from './membership-safety.ts';
import { Monotonic } from './monotonic.ts';
import type { Oracle, RestoredState } from './oracle.ts';
import { SafetyViolation } from './oracle.ts';
import { ReadSafety } from './read-safety.ts';
import { StateMachineSafety } from './state-machine-safety.ts';
import { TrueMatch } from './true-match.ts';

export interface OracleBoardParts {
  readonly nodeOf: (id: NodeId) => NodeView | undefined;
  /** All disks that a node ever had. */
  readonly disksOf: (id: NodeId) => readonly LogImage[];
  readonly onViolation: (violation: SafetyViolation) => void;
}

export class OracleBoard implements Required<Oracle> {
  readonly committed: CommittedLog = new CommittedLog();
  readonly known: KnownEntries = new KnownEntries();
  readonly #oracles: readonly Oracle[];
  readonly #onViolation: (violation: SafetyViolation) => void;
  readonly #listening: { readonly [Hook in keyof Oracle]-?: readonly Oracle[] };
  #violation: SafetyViolation | null = null;

  constructor({ nodeOf, disksOf, onViolation }: OracleBoardParts) {
    const { committed, known } = this;
    this.#onViolation = onViolation;
    this.#oracles = [
      new ElectionSafety(),
      new DurablePromises(),
      new LogMatching(known),
      // Before those who rely on what is committed.
      new StateMachineSafety({ committed, known, disksOf }),
      new LeaderAppendOnly(),
      new TrueMatch(nodeOf),
      new LeaderCompleteness(committed),
      new Monotonic(),
      new MembershipSafety(),
      new DurableLog(committed),
      new ApplyOnce(),
      new ReadSafety(committed),
      new CallTruth(committed),
    ];
    const listeners = (hook: keyof Oracle): readonly Oracle[] =>
      this.#oracles.filter((oracle) => oracle[hook] !== undefined);
    this.#listening = {
      settled: listeners('settled'),
      sent: listeners('sent'),
      issued: listeners('issued'),
      durable: listeners('durable'),
      opened: listeners('opened'),
      started: listeners('started'),
      applied: listeners('applied'),
      restored: listeners('restored'),
      viewed: listeners('viewed'),
      called: listeners('called'),
      returned: listeners('returned'),
      ended: listeners('ended'),
    };
  }

  /** The first one that was found. */
  get violation(): SafetyViolation | null {
    return this.#violation;
  }

  settled(node: NodeView): void {
    this.#watch('settled', (oracle) => oracle.settled?.(node));
  }

  sent(node: NodeView, to: NodeId, message: Message): void {
    this.#watch('sent', (oracle) => oracle.sent?.(node, to, message));
  }

  issued(node: NodeView, write: LogWrite): void {
    this.#watch('issued', (oracle) => oracle.issued?.(node, write));
  }

  durable(node: NodeView, write: LogWrite): void {
    this.#watch('durable', (oracle) => oracle.durable?.(node, write));
  }

  opened(node: NodeView, isExplained: boolean): void {
    this.#watch('opened', (oracle) => oracle.opened?.(node, isExplained));
  }

  started(node: NodeView, applied: LogId): void {
    this.#watch('started', (oracle) => oracle.started?.(node, applied));
  }

  applied(node: NodeView, applied: AppliedEntry): void {
    this.#watch('applied', (oracle) => oracle.applied?.(node, applied));
  }

  restored(node: NodeView, restored: RestoredState): void {
    this.#watch('restored', (oracle) => oracle.restored?.(node, restored));
  }

  viewed(
    node: NodeView,
    state: { readonly applied: LogId; readonly digest: number; readonly stateHash: number },
  ): void {
    this.#watch('viewed', (oracle) => oracle.viewed?.(node, state));
  }

  called(call: StartedCall): void {
    this.#watch('called', (oracle) => oracle.called?.(call));
  }

  returned(call: SettledCall): void {
    this.#watch('returned', (oracle) => oracle.returned?.(call));
  }

  ended(): void {
    this.#watch('ended', (oracle) => oracle.ended?.());
  }

  #watch(hook: keyof Oracle, look: (oracle: Oracle) => void): void {
    if (this.#violation !== null) return;
    try {
      for (const oracle of this.#listening[hook]) look(oracle);
    } catch (error) {
      this.#violation =
        error instanceof SafetyViolation
          ? error
          : new SafetyViolation(
              'oracles work',
              error instanceof Error ? (error.stack ?? error.message) : String(error),
            );
      this.#onViolation(this.#violation);
    }
  }
}
