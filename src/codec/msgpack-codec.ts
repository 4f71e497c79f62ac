/** The default codec: MessagePack, for requests and responses that are plain data. */
import { Packr, RESERVE_START_SPACE, RESET_BUFFER_MODE } from 'msgpackr/pack';
import { SerializationError } from '../errors.ts';
import type { Codec } from '../ports/codec.ts';
import type { DataFault } from './plain-data.ts';
import { findFault } from './plain-data.ts';

/**
 * The first byte of all that is encoded. Objects are MessagePack maps; only where a `Map` occurs, which would look the
 * same, are they written in the longer form that keeps the two apart. A number is never reused.
 */
const FORMAT_PLAIN = 1;
const FORMAT_WITH_MAPS = 2;

/** Skips the format byte. */
const AFTER_FORMAT = Object.freeze({ start: 1 });

/** Leave room for the format byte, and use the buffer again at once: what is in it is copied. */
const PACK_OPTIONS = RESERVE_START_SPACE | RESET_BUFFER_MODE | 1;

/** Values of up to a quarter of a slab share one. */
const SLAB_BYTES = 4096;
const SHARED_BYTES_MAX = SLAB_BYTES / 4;

/** How much of a path to a fault is shown. */
const PATH_STEPS_MAX = 12;

/**
 * Encodes plain data: `null`, `undefined`, booleans, numbers, bigints, strings, arrays, plain objects, `Map`, `Set`,
 * `Date`, `ArrayBuffer`, `DataView` and typed arrays, nested at will, each of which comes back as what it was. Each value
 * is encoded by itself: no bytes are needed to read others.
 *
 * Refused with a `SerializationError` that names the place: functions, symbols, instances of classes, circular values,
 * text that is not well-formed Unicode, and fields named `__proto__`. Not kept: that a zero is negative, that an object
 * has no prototype or a field named by a symbol, that an array has holes (they become `undefined`) and that a
 * `Uint8Array` is a `Buffer`.
 *
 * Encoded values of up to 1 KiB lie next to each other in slabs of 4 KiB, requests apart from responses; they are never
 * written again. Larger ones have their memory to themselves.
 *
 * @example
 * ```ts
 * const codec = msgpackCodec<{ readonly key: string; readonly value: number }, void>();
 * codec.decodeRequest(codec.encodeRequest({ key: 'a', value: 1 }));
 * ```
 */
export function msgpackCodec<Request, Response>(): Codec<Request, Response> {
  const requests = new ValueCodec('request');
  const responses = new ValueCodec('response');
  return {
    id: 'msgpack/1',
    encodeRequest: (request) => requests.encode(request),
    // What was encoded as a request is one: the type can't be checked any further.
    decodeRequest: (bytes) => requests.decode(bytes) as Request,
    encodeResponse: (response) => responses.encode(response),
    decodeResponse: (bytes) => responses.decode(bytes) as Response,
  };
}

/** Encodes values of one sort, named `what` in errors, as `msgpackCodec` does. */
export class ValueCodec {
  readonly #what: string;
  // Not the package's main entry: that reads text with a native addon where it is installed, and all nodes must agree.
  readonly #plain = new Packr({
    useRecords: false,
    variableMapSize: true,
    moreTypes: true,
    useToJSON: false,
    copyBuffers: true,
  });
  readonly #withMaps = new Packr({ moreTypes: true, useToJSON: false, copyBuffers: true });
  #slab = new Uint8Array(0);
  #slabUsed = 0;

  constructor(what: string) {
    this.#what = what;
  }

  encode(value: unknown): Uint8Array {
    const sighting = { hasMap: false };
    const fault = findFault(value, sighting);
    if (fault !== null) {
      throw new SerializationError(this.#describe(fault));
    }
    let packed: Uint8Array;
    try {
      packed = (sighting.hasMap ? this.#withMaps : this.#plain).pack(value, PACK_OPTIONS);
    } catch (error) {
      throw new SerializationError(`the ${this.#what} can't be encoded`, error);
    }
    packed[0] = sighting.hasMap ? FORMAT_WITH_MAPS : FORMAT_PLAIN;
    return this.#copy(packed);
  }

  decode(bytes: Uint8Array): unknown {
    // A view of our own: the decoder leaves a mark on it, and must not take a Buffer for the type of what it reads.
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    try {
      switch (view[0]) {
        case FORMAT_PLAIN:
          return this.#plain.unpack(view, AFTER_FORMAT);
        case FORMAT_WITH_MAPS:
          return this.#withMaps.unpack(view, AFTER_FORMAT);
      }
    } catch (error) {
      throw new SerializationError(`${bytes.byteLength} bytes can't be decoded as a ${this.#what}`, error);
    }
    throw new SerializationError(`${bytes.byteLength} bytes are no ${this.#what}: unknown format ${view[0]}`);
  }

  /** The packed bytes are in a buffer that is used again. */
  #copy(packed: Uint8Array): Uint8Array {
    const size = packed.byteLength;
    if (size > SHARED_BYTES_MAX) {
      return new Uint8Array(packed);
    }
    // A piece of memory for each small value would cost more than encoding it.
    if (this.#slabUsed + size > this.#slab.byteLength) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#slabUsed = 0;
    }
    const copy = this.#slab.subarray(this.#slabUsed, this.#slabUsed + size);
    copy.set(packed);
    this.#slabUsed += size;
    return copy;
  }

  #describe({ reason, path }: DataFault): string {
    const steps = path.toReversed();
    const shown = steps.slice(0, PATH_STEPS_MAX).join('');
    const place = `${this.#what}${shown}${steps.length > PATH_STEPS_MAX ? '...' : ''}`;
    return `${place} can't be encoded: ${reason}; use plain data`;
  }
}
