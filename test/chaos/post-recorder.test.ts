import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PostRecorder } from '../../chaos/network/post-recorder.ts';

function post(path: string, body: string): string {
  return `POST /raft/${path} HTTP/1.1\r\nhost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** What is found in the pieces. */
function recorded(pieces: readonly string[]): readonly string[] {
  const found: string[] = [];
  const recorder = new PostRecorder((request) => found.push(request.toString('latin1')));
  for (const piece of pieces) recorder.feed(Buffer.from(piece, 'latin1'));
  return found;
}

describe('messages that are posted', () => {
  test('are found whole, however the bytes are cut into pieces', () => {
    const vote = post('vote', 'a vote');
    const append = post('append', 'entries \r\n\r\n and more');
    const text = `${vote}${post('request', 'a proposal')}${append}GET /raft/x HTTP/1.1\r\n\r\n${vote}`;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: text.length }), { maxLength: 8 }), (cuts) => {
        const ends = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const pieces = ends.slice(1).map((end, index) => text.slice(ends[index], end));
        assert.deepEqual(recorded(pieces), [vote, append, vote]);
      }),
    );
  });

  test('what comes after an upgrade is no message', () => {
    const upgrade = 'GET /raft/stream HTTP/1.1\r\nUpgrade: zlayer-consensus\r\n\r\n';
    assert.deepEqual(recorded([upgrade, post('vote', 'frames')]), []);
  });

  test('a body of unknown or huge length is let through unseen', () => {
    const chunked = 'POST /raft/append HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n';
    assert.deepEqual(recorded([chunked, post('vote', 'x')]), []);
    const huge = 'POST /raft/append HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n';
    assert.deepEqual(recorded([huge, post('vote', 'x')]), []);
  });
});
