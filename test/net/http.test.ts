import { request } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type HttpOptions, listenHttp } from '../../src/net/http.js';

async function listener(change: Partial<HttpOptions> = {}): Promise<number> {
  const made = await listenHttp({
    host: '127.0.0.1',
    port: 0,
    names: ['metrics.example'],
    answer: async (path) =>
      path === '/good' ? { status: 200, type: 'text/plain', body: 'yes\n' } : undefined,
    ...change,
  });
  onTestFinished(() => made.close());
  return made.port;
}

function ask(
  port: number,
  { method = 'GET', path = '/good', host }: { method?: string; path?: string; host?: string } = {},
): Promise<{ status: number; body: string; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const headers = host === undefined ? {} : { host };
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body, headers: response.headers }));
    });
    outgoing.once('error', reject).end();
  });
}

/** Everything that comes back for raw octets, until the other end closes. */
function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.once('close', () => resolve(answer)).once('error', reject);
  });
}

describe('the small HTTP listener', () => {
  it('answers GET and HEAD, with or without a query', async () => {
    const port = await listener();
    expect(await ask(port)).toMatchObject({ status: 200, body: 'yes\n' });
    expect(await ask(port, { path: '/good?x=1' })).toMatchObject({ status: 200 });
    const head = await ask(port, { method: 'HEAD' });
    expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', '4']);
    expect(head.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });

  it.each([
    [{ path: '/other' }, 404],
    [{ path: '/good/../good' }, 404],
    [{ method: 'POST' }, 405],
    [{ method: 'DELETE' }, 405],
    [{ host: 'evil.example' }, 421],
    [{ host: 'metrics.example.evil.example' }, 421],
    [{ host: '@' }, 421],
    [{ host: 'localhost:9' }, 200],
    [{ host: '[::1]:9' }, 200],
    [{ host: '192.0.2.7' }, 200],
    [{ host: 'Metrics.Example:80' }, 200],
  ])('%o gets %i', async (what, status) => {
    expect((await ask(await listener(), what)).status).toBe(status);
  });

  it('says nothing of a fault inside', async () => {
    const port = await listener({ answer: () => Promise.reject(new Error('secret place')) });
    expect(await ask(port)).toMatchObject({ status: 500, body: 'failed\n' });
  });

  it('closes on what is not HTTP, and on headers without end', async () => {
    const port = await listener();
    expect(await raw(port, 'USER anonymous\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
    expect(await raw(port, `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}`)).toMatch(
      /^HTTP\/1.1 431 /,
    );
  });

  it('says which address it cannot have', async () => {
    const port = await listener();
    await expect(listener({ port })).rejects.toThrow(`cannot listen on 127.0.0.1 port ${port}: EADDRINUSE`);
  });
});
