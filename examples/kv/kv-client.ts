/** A client of the example service: one node's HTTP address, and what may be asked of it. */

/** The answer was not 2xx. */
export class KvError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, body: { readonly code?: string; readonly message?: string }) {
    super(`${status} ${body.code ?? ''}: ${body.message ?? 'no message'}`);
    this.status = status;
    this.code = body.code ?? '';
  }

  /** Worth asking again, perhaps another node: nobody leads just now, or the outcome is unknown. */
  get isTransient(): boolean {
    return this.status >= 500;
  }
}

export interface NodeStatus {
  readonly id: number;
  readonly role: string;
  readonly term: number;
  readonly leader: { readonly id: number; readonly address: string } | null;
  readonly voters: readonly number[];
  readonly appliedIndex: number;
  readonly keys: number;
}

export interface ListedEntry {
  readonly key: string;
  readonly value: unknown;
  readonly version: number;
}

export class KvClient {
  readonly url: string;

  constructor(address: string) {
    this.url = `http://${address}`;
  }

  async set(key: string, value: unknown): Promise<void> {
    await this.#call('PUT', `/kv/${encodeURIComponent(key)}`, value);
  }

  /** All entries, read linearizably. */
  async list(): Promise<readonly ListedEntry[]> {
    return (await this.#call('GET', '/kv')) as readonly ListedEntry[];
  }

  async status(): Promise<NodeStatus> {
    return (await this.#call('GET', '/status')) as NodeStatus;
  }

  async addMember(id: number, address: string): Promise<void> {
    await this.#call('POST', '/members', { id, address });
  }

  async removeMember(id: number): Promise<void> {
    await this.#call('DELETE', `/members/${id}`);
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await fetch(`${this.url}${path}`, { ...init, signal: AbortSignal.timeout(15_000) });
    const answer: unknown = await response.json();
    if (!response.ok) throw new KvError(response.status, answer as object);
    return answer;
  }
}
