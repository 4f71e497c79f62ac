/** The key-value service as JSON over HTTP. Any node answers: writes and reads find the leader by themselves. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ConsensusNode, ReadConsistency } from 'zlayer-consensus';
import type { Answer } from './http-json.ts';
import { BadRequest, errorAnswer, readJson, send } from './http-json.ts';
import type { KvRequest, KvResponse, KvState, KvStateMachine } from './kv-state.ts';

type KvNode = ConsensusNode<KvRequest, KvResponse>;

const CONSISTENCIES = ['linearizable', 'lease', 'leader', 'stale'] as const;
const LIST_LIMIT = 20_000;

/**
 * ```text
 *   GET    /kv/KEY?consistency=linearizable|lease|leader|stale
 *   PUT    /kv/KEY          body: the value
 *   DELETE /kv/KEY
 *   POST   /kv/KEY/cas      body: { "expectedVersion": 1, "value": ... }; version 0 = must not exist
 *   GET    /kv?prefix=P     all keys
 *   GET    /status
 *   POST   /members         body: { "id": 4, "address": "127.0.0.1:7004" }   on the leader
 *   DELETE /members/ID                                                        on the leader
 *   POST   /transfer        body: { "to": 2 } or {}                           on the leader
 * ```
 */
export class KvService {
  readonly #node: KvNode;
  readonly #stateMachine: KvStateMachine;

  constructor(node: KvNode, stateMachine: KvStateMachine) {
    this.#node = node;
    this.#stateMachine = stateMachine;
  }

  /** Answers every request, also those that fail. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      send(response, await this.#route(request));
    } catch (error) {
      send(response, errorAnswer(error));
    }
  }

  async #route(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const [root, argument, action] = url.pathname.split('/').slice(1).map(decodeURIComponent);
    const method = request.method ?? 'GET';
    if (root === 'status' && method === 'GET') return { status: 200, body: this.#status() };
    if (root === 'kv' && method === 'GET') return await this.#get(argument ?? '', url.searchParams);
    if (root === 'kv' && argument !== undefined && argument !== '') {
      return await this.#write(await toRequest({ method, key: argument, action, request }));
    }
    if (root === 'members') return await this.#changeMembers(method, argument, request);
    if (root === 'transfer' && method === 'POST') return await this.#transfer(request);
    return { status: 404, body: { code: 'NOT_FOUND', message: `${method} ${url.pathname} is not served here` } };
  }

  async #get(key: string, query: URLSearchParams): Promise<Answer> {
    const consistency = toConsistency(query.get('consistency'));
    if (key === '') {
      const list = await this.#node.read(() => listEntries(this.#stateMachine.state, query.get('prefix') ?? ''), {
        consistency,
      });
      return { status: 200, body: list };
    }
    const entry = await this.#node.read(() => this.#stateMachine.state.get(key), { consistency });
    if (entry === undefined) return { status: 404, body: { code: 'NO_SUCH_KEY', message: `there is no key "${key}"` } };
    return { status: 200, body: { key, ...entry } };
  }

  async #write(request: KvRequest): Promise<Answer> {
    const { isDone, entry } = await this.#node.propose(request);
    const status = isDone ? 200 : request.type === 'delete' ? 404 : 409;
    return { status, body: { isDone, key: request.key, ...entry } };
  }

  async #changeMembers(method: string, argument: string | undefined, request: IncomingMessage): Promise<Answer> {
    if (method === 'POST') {
      const { id, address } = toMember(await readJson(request));
      await this.#node.addVoter(id, address);
    } else if (method === 'DELETE') await this.#node.removeMember(Number(argument));
    else throw new BadRequest('use POST to add a member and DELETE to remove one');
    return { status: 200, body: this.#status() };
  }

  async #transfer(request: IncomingMessage): Promise<Answer> {
    const body = await readJson(request);
    await this.#node.transferLeadership(isRecord(body) && typeof body['to'] === 'number' ? body['to'] : undefined);
    return { status: 200, body: this.#status() };
  }

  #status(): object {
    const metrics = this.#node.metrics();
    return {
      id: metrics.id,
      role: metrics.state,
      term: metrics.currentTerm,
      leader: this.#node.leader(),
      voters: this.#node.voterIds(),
      learners: this.#node.learnerIds(),
      lastLogIndex: metrics.lastLogIndex,
      appliedIndex: metrics.lastApplied.index,
      keys: this.#stateMachine.state.size,
    };
  }
}

interface WriteCall {
  readonly method: string;
  readonly key: string;
  readonly action: string | undefined;
  readonly request: IncomingMessage;
}

async function toRequest({ method, key, action, request }: WriteCall): Promise<KvRequest> {
  if (method === 'PUT' && action === undefined) return { type: 'set', key, value: await readJson(request) };
  if (method === 'DELETE' && action === undefined) return { type: 'delete', key };
  if (method !== 'POST' || action !== 'cas') throw new BadRequest('use GET, PUT, DELETE, or POST /kv/KEY/cas');
  const body = await readJson(request);
  if (!isRecord(body) || !Number.isSafeInteger(body['expectedVersion']) || !('value' in body)) {
    throw new BadRequest('the body must be { "expectedVersion": NUMBER, "value": ... }');
  }
  return { type: 'compare-and-set', key, expectedVersion: Number(body['expectedVersion']), value: body['value'] };
}

function toMember(body: unknown): { id: number; address: string } {
  if (isRecord(body) && typeof body['id'] === 'number' && typeof body['address'] === 'string') {
    return { id: body['id'], address: body['address'] };
  }
  throw new BadRequest('the body must be { "id": NUMBER, "address": "HOST:PORT" }');
}

function toConsistency(text: string | null): ReadConsistency {
  if (text === null) return 'linearizable';
  const known = CONSISTENCIES.find((name) => name === text);
  if (known === undefined) throw new BadRequest(`consistency must be one of ${CONSISTENCIES.join(', ')}`);
  return known;
}

function listEntries(state: KvState, prefix: string): object[] {
  const entries: object[] = [];
  for (const [key, entry] of state) {
    if (!key.startsWith(prefix)) continue;
    entries.push({ key, ...entry });
    if (entries.length === LIST_LIMIT) break;
  }
  return entries;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
