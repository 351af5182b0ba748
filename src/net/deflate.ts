import { type Duplex, pipeline, type Readable, Transform, type Writable } from 'node:stream';
import zlib from 'node:zlib';
import { FtpError } from '../protocol/errors.js';

/** Octets out for one octet in beyond which a stream is taken for a bomb; deflate reaches 1030 at most. */
const RATIO = 200;
/** Octets that may come out before the ratio counts: a short file of zeros is no attack. */
const FREE = 16 * 1024 * 1024;

/** MODE Z (draft-preston-ftpext-deflate): what comes out of the socket, inflated. Ends with an error on a bomb. */
export function inflated(socket: Duplex): Readable {
  hush(socket);
  let packed = 0;
  let plain = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      packed += chunk.length;
      done(null, chunk);
    },
  });
  const guard = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      plain += chunk.length;
      if (plain > FREE && plain > RATIO * packed)
        done(new FtpError('malformed', `MODE Z: ${packed} octets grew to more than ${plain}`));
      else done(null, chunk);
    },
  });
  pipeline(socket, count, zlib.createInflate(), guard, () => {});
  return guard;
}

/** MODE Z: what is written is deflated into the socket, which is ended behind it. */
export function deflating(socket: Duplex): Writable {
  hush(socket);
  const deflate = zlib.createDeflate({ level: 6 });
  pipeline(deflate, socket, () => {});
  return deflate;
}

/** Errors reach the reader or writer through the pipeline; one that comes after its end has nobody to tell. */
function hush(socket: Duplex): void {
  socket.on('error', () => {});
}
