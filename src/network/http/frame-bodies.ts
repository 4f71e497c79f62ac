/** Messages as the body of a request or an answer: one frame each. */
import { decodeMessage, encodeMessage } from '../../codec/message-bytes.ts';
import { encodeFrame, FRAME_HEADER_BYTES, FrameReader } from '../../codec/peer-frame.ts';
import type { Message } from '../../core/message.ts';
import { ProtocolError } from '../../errors.ts';

export type MessageFrameType = 'message' | 'message-reply';

export function encodeMessages(type: MessageFrameType, messages: readonly Message[]): Uint8Array[] {
  return messages.flatMap((message) => encodeFrame({ type, id: 0, body: encodeMessage(message) }));
}

/** @throws ProtocolError unless the bytes are whole frames of this type and nothing else */
export function decodeMessages(type: MessageFrameType, bytes: Uint8Array): readonly Message[] {
  const frames = wholeFrames(bytes);
  return frames.map((frame) => {
    if (frame.type !== type) {
      throw new ProtocolError(`a ${frame.type} frame where only ${type} frames belong`);
    }
    return decodeMessage(frame.body);
  });
}

/** @throws ProtocolError when the bytes end within a frame */
export function wholeFrames(bytes: Uint8Array): ReturnType<FrameReader['push']> {
  const frames = new FrameReader({ maxFrameBytes: Number.MAX_SAFE_INTEGER }).push(bytes);
  const frameBytes = frames.reduce((sum, { body }) => sum + FRAME_HEADER_BYTES + body.byteLength, 0);
  if (frameBytes !== bytes.byteLength) {
    throw new ProtocolError(`the body ends within a frame: ${bytes.byteLength - frameBytes} bytes are left over`);
  }
  return frames;
}
