/** How the application's requests and responses become bytes. */
export interface Codec<Request, Response> {
  /** Names format and version of the bytes, e.g. `msgpack/1`. Nodes of one cluster must agree on it. */
  readonly id: string;
  /** @throws SerializationError when the value can't be represented */
  encodeRequest(request: Request): Uint8Array;
  decodeRequest(bytes: Uint8Array): Request;
  /** Responses travel from the leader to the node that forwarded the request. */
  encodeResponse(response: Response): Uint8Array;
  decodeResponse(bytes: Uint8Array): Response;
}
