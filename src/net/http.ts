import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { FtpError } from '../protocol/errors.js';

/** An answer to a GET. */
export interface HttpAnswer {
  status: number;
  /** Content type. */
  type: string;
  body: string;
}

/** What a small HTTP listener is made from. */
export interface HttpOptions {
  host: string;
  port: number;
  /** Names that `Host` may hold beside `localhost` and IP literals. */
  names?: readonly string[] | undefined;
  /** Answers to GET by path, without its query; undefined = 404. A rejection is a 500 without details. */
  answer: (path: string) => Promise<HttpAnswer | undefined>;
}

/** A running listener. */
export interface HttpListener {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Milliseconds: for headers, for a request, between requests. */
const PATIENCE = 5000;
const MOST_CONNECTIONS = 32;

/**
 * Listen for GET and HEAD (RFC 9110 9.3.1, 9.3.2); nothing else is answered, no body is read. `Host` must be an IP literal,
 * `localhost` or a given name: a page in a browser that was pointed here by a changed DNS record learns nothing.
 *
 * @throws FtpError `local` when the address cannot be listened on.
 */
export function listenHttp(options: HttpOptions): Promise<HttpListener> {
  const server = createServer(
    {
      maxHeaderSize: 8192,
      headersTimeout: PATIENCE,
      requestTimeout: PATIENCE,
      keepAliveTimeout: PATIENCE,
      connectionsCheckingInterval: PATIENCE,
    },
    (request, response) => void respond(request, response, options),
  );
  server.maxConnections = MOST_CONNECTIONS;
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = `${options.host} port ${options.port}`;
      const advice = 'Choose another address or port for the metrics.';
      reject(
        new FtpError('local', `cannot listen on ${where}: ${error.code ?? error.message}`, {
          advice,
          cause: error,
        }),
      );
    });
    // Exclusive: in a process of a cluster the listener would otherwise be the whole cluster's.
    server.listen({ host: options.host, port: options.port, exclusive: true }, () => {
      const at = server.address();
      const port = typeof at === 'object' && at ? at.port : options.port;
      resolve({ host: options.host, port, close: () => closeAll() });
    });
    const closeAll = (): Promise<void> =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      });
  });
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { names, answer }: HttpOptions,
): Promise<void> {
  const send = ({ status, type, body }: HttpAnswer, more: Record<string, string> = {}): void => {
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...more,
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  const refuse = (status: number, body: string, more?: Record<string, string>): void =>
    send({ status, type: 'text/plain; charset=utf-8', body: `${body}\n` }, more);
  if (!isKnownHost(request.headers.host ?? '', names ?? []))
    return refuse(421, 'this Host is not served here');
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refuse(405, 'only GET and HEAD', { allow: 'GET, HEAD', connection: 'close' });
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  try {
    const found = await answer(path);
    if (found) send(found);
    else refuse(404, 'nothing here');
  } catch {
    refuse(500, 'failed');
  }
}

/** A `Host` header (RFC 9110 7.2) that names this listener. */
function isKnownHost(header: string, names: readonly string[]): boolean {
  const host = header
    .replace(/:\d{1,5}$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
  return host === 'localhost' || isIP(host) !== 0 || names.some((name) => name.toLowerCase() === host);
}
