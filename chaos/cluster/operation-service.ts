/** The nodes' side of the clients: `POST /RUN/NODE` with an operation, answered with its outcome. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ConsensusNode } from 'zlayer-consensus';
import { ConsensusError } from 'zlayer-consensus';
import type { ClientOutput, OperationAnswer, OperationRequest } from '../client/operation.ts';
import type { ChaosRequest, ChaosResponse, ChaosState } from './chaos-state.ts';

/** The client waits a little longer: most of the time the node says itself that it does not know. */
const OPERATION_MS = 2000;

export interface OperationServiceOptions {
  readonly node: ConsensusNode<ChaosRequest, ChaosResponse>;
  readonly state: ChaosState;
  /** Anything else is another run's or another node's client: what has its port may change with the time. */
  readonly path: string;
}

export function operationService({
  node,
  state,
  path,
}: OperationServiceOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const serve = async (request: IncomingMessage): Promise<OperationAnswer> => {
    try {
      return { type: 'ok', output: await perform(node, state, await readBody(request)) };
    } catch (error) {
      if (!ConsensusError.is(error))
        return { type: 'error', code: 'INTERNAL', retry: 'unsafe', message: String(error) };
      const { code, retry, message } = error;
      return { type: 'error', code, retry, message };
    }
  };
  return (request, response) => {
    if (request.url !== path) {
      response.writeHead(404).end();
      return;
    }
    void serve(request).then((answer) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer));
    });
  };
}

async function perform(
  node: ConsensusNode<ChaosRequest, ChaosResponse>,
  state: ChaosState,
  { id, input, level }: OperationRequest,
): Promise<ClientOutput> {
  const reading = { consistency: level, timeoutMs: OPERATION_MS };
  switch (input.type) {
    case 'get':
      return await node.read(() => state.get(input.key), reading);
    case 'list':
      return await node.read(() => state.list(input.prefix), reading);
    default:
      return await node.propose({ id, ...input }, { timeoutMs: OPERATION_MS });
  }
}

/** It comes from the run's own client. */
async function readBody(request: IncomingMessage): Promise<OperationRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as OperationRequest;
}
