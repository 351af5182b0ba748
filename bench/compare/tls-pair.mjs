/**
 * What one TLS 1.3 stream can do between two Node processes: a file here, a file there, large buffers, nothing else.
 *
 *   node tls-pair.mjs CERT KEY HOST FROM TO
 *
 * Prints `moved SECONDS`, from the first octet of the handshake until the last of the file is written.
 */
import { fork } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';

const CHUNK = 1024 * 1024;
const VERSION = { minVersion: 'TLSv1.3' };

function receive(cert, key, host, source, target) {
  const begun = performance.now();
  const server = tls.createServer(
    { cert: readFileSync(cert), key: readFileSync(key), ...VERSION },
    (socket) => {
      const file = openSync(target, 'w');
      socket.on('data', (chunk) => writeSync(file, chunk));
      socket.once('end', () => {
        closeSync(file);
        process.stdout.write(`moved ${(performance.now() - begun) / 1000}\n`);
        socket.end();
        server.close();
      });
    },
  );
  server.listen(0, host, () => {
    fork(fileURLToPath(import.meta.url), ['send', host, String(server.address().port), source]);
  });
}

function send(host, port, source) {
  const socket = tls.connect({ host, port: Number(port), rejectUnauthorized: false, ...VERSION });
  const file = openSync(source, 'r');
  const buffers = [Buffer.allocUnsafeSlow(CHUNK), Buffer.allocUnsafeSlow(CHUNK)];
  let turn = 0;
  const next = () => {
    turn = 1 - turn;
    const count = readSync(file, buffers[turn], 0, CHUNK, null);
    if (count === 0) socket.end();
    else socket.write(buffers[turn].subarray(0, count), next);
  };
  socket.once('secureConnect', next);
  socket.resume();
  socket.once('end', () => process.disconnect?.());
}

const [first, ...rest] = process.argv.slice(2);
if (first === 'send') send(...rest);
else receive(first, ...rest);
