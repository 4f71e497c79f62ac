/** One operation over HTTP, and what its caller may conclude. */
import type { Agent, IncomingMessage } from 'node:http';
import { request } from 'node:http';
import type { ClientTarget } from './client-commands.ts';
import type { ClientOutput, OperationAnswer, OperationRequest } from './operation.ts';

/** Longer than a node takes to say that it does not know. */
const CALL_MS = 3000;

/**
 * - `ok`: it was done, with this answer.
 * - `failed`: it was certainly not done, and never will be.
 * - `unknown`: it may have been done, or may be done later.
 */
export type CallOutcome =
  | { readonly type: 'ok'; readonly output: ClientOutput }
  | { readonly type: 'failed' | 'unknown'; readonly code: string };

/** Besides those with `retry: 'safe'`: the library says of them that nothing was applied. See docs/ERRORS.md. */
const NOT_APPLIED: ReadonlySet<string> = new Set(['FATAL', 'STOPPED', 'PAYLOAD_TOO_LARGE', 'PEER_REFUSED']);

export interface CallOptions {
  readonly agent: Agent;
  readonly target: ClientTarget;
  readonly run: string;
  readonly timeoutMs?: number;
}

export async function callNode(
  operation: OperationRequest,
  { agent, target, run, timeoutMs = CALL_MS }: CallOptions,
): Promise<CallOutcome> {
  return await new Promise((resolve) => {
    const { host, port, nodeId } = target;
    const call = request({ agent, host, port, method: 'POST', path: `/${run}/${nodeId}` });
    const timer = setTimeout(() => call.destroy(new Error('CLIENT_TIMEOUT')), timeoutMs);
    const settle = (outcome: CallOutcome): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    let wasConnected = false;
    call.once('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => (wasConnected = true));
      else wasConnected = true;
    });
    call.once('error', (error: NodeJS.ErrnoException) => {
      // Nothing was sent over a connection that never came to be.
      settle({ type: wasConnected ? 'unknown' : 'failed', code: error.code ?? error.message });
    });
    call.once('response', (response) => {
      readAnswer(response).then(settle, () => settle({ type: 'unknown', code: 'RESPONSE_CUT' }));
    });
    call.end(JSON.stringify(operation));
  });
}

async function readAnswer(response: IncomingMessage): Promise<CallOutcome> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  // Another process has the port now: it did nothing.
  if (response.statusCode === 404) return { type: 'failed', code: 'ANOTHER_PROCESS' };
  const answer = JSON.parse(Buffer.concat(chunks).toString('utf8')) as OperationAnswer;
  if (answer.type === 'ok') return { type: 'ok', output: answer.output };
  const wasNotApplied = answer.retry === 'safe' || NOT_APPLIED.has(answer.code);
  return { type: wasNotApplied ? 'failed' : 'unknown', code: answer.code };
}
