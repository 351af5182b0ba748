import net from 'node:net';
import type { Course } from './course.js';
import { codeOf, Failure } from './failure.js';

/** Where an active data connection goes. */
export interface Target {
  host: string;
  port: number;
  localAddress?: string | undefined;
}

/**
 * Connect to the peer.
 *
 * @throws Failure `connect`, whatever the reason: refused, unreachable, no answer within `timeout` milliseconds.
 */
export function dial(
  course: Course,
  { host, port, localAddress }: Target,
  timeout: number,
): Promise<net.Socket> {
  const late = (): Failure => new Failure('connect', 'ETIMEDOUT', `no connection within ${timeout / 1000} s`);
  return course.wait<net.Socket>(
    (resolve, reject) => {
      let connected = false;
      const socket = net.connect({
        host,
        port,
        noDelay: true,
        allowHalfOpen: true,
        autoSelectFamily: false,
        ...(localAddress === undefined ? {} : { localAddress }),
      });
      // Nothing is read before the transfer begins.
      socket.pause();
      socket.on('error', (error) => {
        const code = codeOf(error) || 'ERROR';
        reject(new Failure('connect', code, `no connection: ${code}`, { cause: error }));
      });
      socket.once('connect', () => {
        connected = true;
        resolve(socket);
      });
      return () => {
        if (!connected) socket.destroy();
      };
    },
    { after: timeout, cause: late },
  );
}
