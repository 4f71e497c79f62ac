/** Makes the calls of clients, and keeps the book of them. */
import type { LogIndex } from '../../../core/ids.ts';
import type { ReadOptions } from '../../../node/reader.ts';
import type { KvRequest } from '../kv/kv-types.ts';
import type { CallInput, CallOutput, ReadLevel, SettledCall, StartedCall } from '../observation/client-call.ts';
import type { OracleBoard } from '../oracles/oracle-board.ts';
import type { Timeline } from '../time/timeline.ts';
import type { Trace } from '../trace.ts';
import type { SimNode } from '../world/sim-node.ts';
import { failureOf } from './call-outcome.ts';

export interface ClientCallsParts {
  readonly timeline: Timeline;
  readonly board: OracleBoard;
  readonly trace: Trace;
  /** A call failed with something that is none of the documented errors. */
  readonly onUnexpected: (message: string) => void;
}

export interface CallPlan {
  readonly client: number;
  readonly timeoutMs: number;
  /** When the client loses patience, if it does. */
  readonly abortAfterMs: number | null;
}

type Settlement = Pick<SettledCall, 'outcome' | 'output' | 'error'>;

export class ClientCalls {
  readonly #parts: ClientCallsParts;
  readonly #history: SettledCall[] = [];
  #order = 0;
  readonly #open = new Map<number, StartedCall>();
  #lastId = 0;

  constructor(parts: ClientCallsParts) {
    this.#parts = parts;
  }

  /** All calls that were settled, in the order of their answers. */
  get history(): readonly SettledCall[] {
    return this.#history;
  }

  /** Those that nobody answered yet. */
  get open(): readonly StartedCall[] {
    return [...this.#open.values()];
  }

  get openCount(): number {
    return this.#open.size;
  }

  write(node: SimNode, request: Omit<KvRequest, 'callId'>, plan: CallPlan): Promise<SettledCall> {
    const callId = this.#lastId + 1;
    const input: CallInput = { type: 'write', request: { callId, ...request } };
    return this.#call(node, input, plan, async (signal) => {
      const kvNode = requireUp(node);
      const response = await kvNode.propose({ callId, ...request }, { signal, timeoutMs: plan.timeoutMs });
      return { type: 'written', response };
    });
  }

  read(
    node: SimNode,
    query: { readonly key: string; readonly level: ReadLevel; readonly atLeast: LogIndex },
    plan: CallPlan,
  ): Promise<SettledCall> {
    return this.#call(node, { type: 'read', ...query }, plan, async (signal) => {
      const kvNode = requireUp(node);
      const { stateMachine } = node;
      if (stateMachine === null) throw new TypeError(`node ${node.id} has no state`);
      const consistency = query.level === 'at-least' ? { atLeast: query.atLeast } : query.level;
      const options: ReadOptions = { consistency, signal, timeoutMs: plan.timeoutMs };
      return { type: 'read', ...(await kvNode.read(() => stateMachine.read(query.key), options)) };
    });
  }

  #call(
    node: SimNode,
    input: CallInput,
    plan: CallPlan,
    run: (signal: AbortSignal) => Promise<CallOutput>,
  ): Promise<SettledCall> {
    const { timeline, board } = this.#parts;
    this.#lastId += 1;
    this.#order += 1;
    const call: StartedCall = {
      id: this.#lastId,
      client: plan.client,
      node: node.id,
      input,
      callMs: timeline.nowMs,
      callOrder: this.#order,
    };
    this.#open.set(call.id, call);
    board.called(call);
    this.#traceCall(call);
    return new Promise((resolve) => {
      const controller = new AbortController();
      let isSettled = false;
      const settle = (settlement: Settlement): void => {
        if (isSettled) return;
        isSettled = true;
        stopWatching();
        resolve(this.#settle(call, settlement));
      };
      // Nobody will ever hear of it again. What was asked of a process that died may still happen.
      const isWrite = input.type === 'write';
      const crashed: Settlement = { outcome: isWrite ? 'unknown' : 'failed', output: null, error: 'CRASHED' };
      const stopWatching = node.onEnd(() => settle(crashed));
      node.process?.io(() => {
        const { abortAfterMs } = plan;
        if (abortAfterMs !== null) {
          node.process?.ioAfter(abortAfterMs, () => controller.abort(new Error('the client lost patience')));
        }
        run(controller.signal).then(
          (output) => settle({ outcome: 'ok', output, error: null }),
          (error: unknown) => settle(this.#fail(call, error, controller.signal)),
        );
      });
    });
  }

  #fail({ id, node }: StartedCall, cause: unknown, signal: AbortSignal): Settlement {
    const { outcome, error, isUnexpected } = failureOf(cause, signal.aborted ? signal.reason : undefined);
    if (isUnexpected) this.#parts.onUnexpected(`call ${id} on node ${node} failed with ${error}`);
    return { outcome, output: null, error };
  }

  #settle(call: StartedCall, settlement: Settlement): SettledCall {
    this.#order += 1;
    const settled = { ...call, ...settlement, returnMs: this.#parts.timeline.nowMs, returnOrder: this.#order };
    this.#open.delete(call.id);
    this.#history.push(settled);
    this.#traceReturn(settled);
    this.#parts.board.returned(settled);
    return settled;
  }

  #traceCall({ id, client, node, input }: StartedCall): void {
    const { trace } = this.#parts;
    trace.note(30, node, id, client);
    if (trace.isOn) trace.line(node, `client ${client} calls ${id}: ${JSON.stringify(input)}`);
  }

  #traceReturn({ id, node, outcome, output, error }: SettledCall): void {
    const { trace } = this.#parts;
    trace.note(31, node, id, outcome.length);
    if (output !== null) trace.noteText(JSON.stringify(output));
    if (trace.isOn) trace.line(node, `call ${id} ${outcome} ${error ?? JSON.stringify(output)}`);
  }
}

function requireUp(node: SimNode): NonNullable<SimNode['node']> {
  const kvNode = node.node;
  if (kvNode === null) throw new TypeError(`node ${node.id} takes no calls`);
  return kvNode;
}
