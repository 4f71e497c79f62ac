/** Reads the body of a request within limits on size and time. */
import type { IncomingMessage } from 'node:http';
import { ProtocolError } from '../../errors.ts';
import { HttpRefusal } from './http-refusal.ts';
import type { SystemPorts } from './system-ports.ts';

export interface BodyLimits extends Pick<SystemPorts, 'clock' | 'timers'> {
  readonly maxBodyBytes: number;
  readonly bodyTimeoutMs: number;
}

/** A body that stays slower than this holds a connection for no good. */
const SLOWEST_BYTES_PER_MS = 16;

/** @throws HttpRefusal when it is too large (413), too slow (408) or breaks off (400) */
export async function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const parsed = (request as { readonly body?: unknown }).body;
  if (parsed instanceof Uint8Array) {
    // A body parser of the application was faster.
    return Buffer.from(parsed.buffer, parsed.byteOffset, parsed.byteLength);
  }
  refuseAnnounced(request, limits.maxBodyBytes);
  const startedAtMs = limits.clock.nowMs();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of bodyChunks(request, limits)) {
    bytes += chunk.byteLength;
    if (bytes > limits.maxBodyBytes) {
      throw tooLarge(bytes, limits.maxBodyBytes);
    }
    const elapsedMs = limits.clock.nowMs() - startedAtMs;
    if (elapsedMs > limits.bodyTimeoutMs && bytes < elapsedMs * SLOWEST_BYTES_PER_MS) {
      throw tooSlow(limits.bodyTimeoutMs);
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, bytes);
}

/**
 * The body as it arrives, read only as fast as the chunks are taken.
 * @throws HttpRefusal when nothing arrives for too long (408) or it breaks off (400)
 */
export async function* bodyChunks(request: IncomingMessage, limits: BodyLimits): AsyncGenerator<Buffer> {
  // The socket must outlive the reading, to carry the answer.
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  for (;;) {
    const next = await nextChunk(chunks, limits);
    if (next.done === true) {
      if (!request.complete) {
        throw brokenOff();
      }
      return;
    }
    yield next.value;
  }
}

async function nextChunk(chunks: AsyncIterator<Buffer>, limits: BodyLimits): Promise<IteratorResult<Buffer>> {
  return await new Promise((resolve, reject) => {
    const timer = limits.timers.setTimer(limits.bodyTimeoutMs, () => reject(tooSlow(limits.bodyTimeoutMs)));
    chunks.next().then(
      (next) => {
        timer.cancel();
        resolve(next);
      },
      () => {
        timer.cancel();
        reject(brokenOff());
      },
    );
  });
}

function refuseAnnounced(request: IncomingMessage, maxBodyBytes: number): void {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maxBodyBytes) {
    throw tooLarge(announced, maxBodyBytes);
  }
}

function tooLarge(bytes: number, maxBodyBytes: number): HttpRefusal {
  const what = `a body of ${bytes} bytes or more, but at most ${maxBodyBytes} are taken (maxBodyBytes)`;
  return new HttpRefusal('too-large', 413, new ProtocolError(what));
}

function tooSlow(bodyTimeoutMs: number): HttpRefusal {
  return new HttpRefusal(
    'too-slow',
    408,
    new ProtocolError(`the body came too slowly (bodyTimeoutMs ${bodyTimeoutMs})`),
  );
}

function brokenOff(): HttpRefusal {
  return new HttpRefusal('malformed', 400, new ProtocolError('the body broke off'));
}
