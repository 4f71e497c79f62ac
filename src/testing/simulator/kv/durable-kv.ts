/** A state machine whose state survives a restart by itself: applied index and state are written together. */
import type { Entry } from '../../../core/entry.ts';
import { NO_LOG_ID } from '../../../core/ids.ts';
import { NO_MEMBERSHIP } from '../../../core/membership/membership.ts';
import type { SnapshotMeta } from '../../../core/message.ts';
import { SnapshotError } from '../../../errors.ts';
import type { Codec } from '../../../ports/codec.ts';
import type { AppliedState, StateMachine, StateSnapshot } from '../../../ports/state-machine.ts';
import type { StateDisk } from '../disk/state-disk.ts';
import { applyKv } from './apply-kv.ts';
import { kvCodec } from './kv-codec.ts';
import type { KvRequest, KvResponse, KvState, KvValue } from './kv-types.ts';
import { isListKey } from './kv-types.ts';

const CODEC_ID = 'simulator-durable-kv/1';

/** Small, so that a snapshot has several. */
const CHUNK_BYTES = 300;

const NOTHING_APPLIED: AppliedState = Object.freeze({
  lastApplied: NO_LOG_ID,
  lastTimeMs: 0,
  membership: NO_MEMBERSHIP,
});

export class DurableKv implements StateMachine<KvRequest, KvResponse> {
  readonly isDurable = true;
  readonly #disk: StateDisk<KvState>;
  #state: KvState = new Map();
  #applied: AppliedState = NOTHING_APPLIED;

  constructor(disk: StateDisk<KvState>) {
    this.#disk = disk;
  }

  get state(): KvState {
    return this.#state;
  }

  async open(_codec: Codec<KvRequest, KvResponse>): Promise<AppliedState> {
    this.#state = this.#disk.saved?.state ?? new Map();
    this.#applied = this.#disk.saved?.applied ?? NOTHING_APPLIED;
    return this.#applied;
  }

  applied(): AppliedState {
    return this.#applied;
  }

  async apply(entries: readonly Entry[]): Promise<readonly (KvResponse | undefined)[]> {
    const state: KvState = new Map(this.#state);
    const responses: (KvResponse | undefined)[] = [];
    let applied = this.#applied;
    for (const { logId, kind, payload, timeMs, membership } of entries) {
      const isRequest = kind === 'normal';
      responses.push(isRequest ? applyToCopy(state, kvCodec.decodeRequest(payload), { logId, timeMs }) : undefined);
      const stored = membership === null ? applied.membership : { logId, membership };
      applied = { lastApplied: logId, lastTimeMs: timeMs, membership: stored };
    }
    await this.#replace(state, applied);
    return responses;
  }

  async snapshot(): Promise<StateSnapshot> {
    const bytes = new TextEncoder().encode(JSON.stringify([...this.#state]));
    return {
      applied: this.#applied,
      codecId: CODEC_ID,
      chunks: () => inChunks(bytes),
      close: async () => undefined,
    };
  }

  async restore(meta: SnapshotMeta, codecId: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    if (codecId !== CODEC_ID) throw new SnapshotError(`the snapshot is in format '${codecId}'`);
    const decoder = new TextDecoder();
    let text = '';
    for await (const chunk of chunks) text += decoder.decode(chunk, { stream: true });
    const { lastLogId: lastApplied, lastTimeMs, membership } = meta;
    await this.#replace(new Map(JSON.parse(text) as [string, KvValue][]), { lastApplied, lastTimeMs, membership });
  }

  async close(): Promise<void> {
    this.#state = new Map();
  }

  /** Readers see the new state when it is on the disk. */
  async #replace(state: KvState, applied: AppliedState): Promise<void> {
    await this.#disk.save({ state, applied });
    this.#state = state;
    this.#applied = applied;
  }
}

/** Lists are shared with the state before, which must stay as it was. */
function applyToCopy(state: KvState, request: KvRequest, context: Parameters<typeof applyKv>[2]): KvResponse {
  const list = isListKey(request.key) ? state.get(request.key) : undefined;
  if (Array.isArray(list)) state.set(request.key, [...list]);
  return applyKv(state, request, context);
}

async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  for (let offset = 0; offset < bytes.byteLength; offset += CHUNK_BYTES) {
    yield bytes.subarray(offset, offset + CHUNK_BYTES);
  }
}
