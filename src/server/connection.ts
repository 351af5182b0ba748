import type { DataIdentity } from '../net/plane/types.js';
import type { ServedControl } from '../net/server-control.js';
import { CommandDecoder } from '../protocol/command-lines.js';
import { formatReply } from '../protocol/reply-lines.js';
import type { Core } from './core.js';
import { CommandLoop } from './loop.js';
import { farewell, reply, type ServerReply } from './reply.js';
import { Session, type SessionLink } from './session.js';

/** The part of `ServedControl` that a connection uses. */
export type ControlPort = Pick<
  ServedControl,
  | 'peerAddress'
  | 'peerPort'
  | 'localAddress'
  | 'localPort'
  | 'tls'
  | 'attach'
  | 'write'
  | 'drained'
  | 'pause'
  | 'resume'
  | 'startTls'
  | 'end'
  | 'destroy'
>;

/** One control connection: octets of the socket, lines of the decoder, replies of the loop. */
export class Connection implements SessionLink {
  readonly session: Session;
  readonly #core: Core;
  readonly #control: ControlPort;
  readonly #decoder = new CommandDecoder();
  readonly #loop: CommandLoop;
  readonly #release: () => void;
  /** Shown in the handshake: a reload may have brought another one. */
  #identity: DataIdentity | undefined;
  #tls: SessionLink['tls'];
  #closed = false;
  #why = 'the client closed the connection';

  constructor(core: Core, control: ControlPort, release: () => void) {
    this.#core = core;
    this.#control = control;
    this.#release = release;
    this.session = new Session(core, this);
    this.#loop = new CommandLoop(this.session, {
      write: (answer) => this.write(answer),
      pass: async (octets) => {
        if (this.#closed) return;
        control.write(octets);
        await control.drained(core.settings.limits.stallTimeout);
      },
      pause: () => control.pause(),
      resume: () => control.resume(),
      finish: (why) => this.finish(why),
    });
    control.attach({
      onData: (chunk) => this.#onData(chunk),
      onEnd: () => this.#loop.endInput(),
      onClose: (error) => this.#onClose(error),
    });
    core.sessions.add(this.session);
  }

  get peerAddress(): string {
    return this.#control.peerAddress;
  }

  get peerPort(): number {
    return this.#control.peerPort;
  }

  get localAddress(): string {
    return this.#control.localAddress;
  }

  get localPort(): number {
    return this.#control.localPort;
  }

  get tls(): SessionLink['tls'] {
    const { tls } = this.#control;
    const identity = this.#identity ?? this.#core.secure?.material;
    if (tls && identity) this.#tls ??= { ...tls, identity };
    return this.#tls;
  }

  /** The greeting, after TLS where that comes first. */
  async begin(implicitTls: boolean): Promise<void> {
    if (implicitTls) {
      await this.startTls();
      // Port 990: data connections are private from the start, as its clients expect.
      this.session.params.pbsz = true;
      this.session.params.protected = true;
    }
    if (this.#closed) return;
    this.#core.emit({ event: 'connect', session: this.session.facts });
    this.write(reply(220, this.#core.settings.banner));
  }

  async startTls(): Promise<void> {
    const { secure, settings } = this.#core;
    if (!secure) throw new Error('TLS was asked of a server without a certificate');
    let dropped = this.#decoder.clear() + this.#loop.clear();
    this.#identity = secure.material;
    try {
      const { handshakeTimeout: timeout } = settings.limits;
      dropped += (await this.#control.startTls({ context: secure.context, timeout })).dropped;
    } catch (error) {
      this.#why = `TLS failed: ${error instanceof Error ? error.message : String(error)}`;
      this.#control.destroy();
      throw error;
    }
    this.#decoder.clear();
    if (dropped > 0) this.#core.emit({ event: 'dropped', session: this.session.facts });
  }

  write(answer: ServerReply): void {
    const { code, text, numbered } = answer;
    if (!this.#closed) this.#control.write(formatReply(code, text, { numbered }));
  }

  /** Say why, then end. */
  close(code: 421, text: string): void {
    this.write(farewell(code, text));
    this.finish(text);
  }

  finish(why: string): void {
    this.#why = why;
    this.#loop.end();
    this.#control.end();
  }

  /** At once, without a word. */
  destroy(why: string): void {
    this.#why = why;
    this.#control.destroy();
  }

  /** True while a command is carried out: such a session is not idle. */
  get busy(): boolean {
    return this.#loop.busy;
  }

  #onData(chunk: Uint8Array): void {
    const lines = this.#decoder.push(chunk);
    const refusals = this.#decoder.takeRefusals();
    if (refusals) this.#control.write(refusals);
    this.#loop.push(lines);
    if (!this.#decoder.overlong || this.#closed) return;
    // CVE-2008-4242: the rest of a line that is too long never becomes a command.
    this.write(reply(500, 'That line is too long.'));
    this.finish('a line was too long');
  }

  #onClose(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    if (error) this.#why = error.message;
    this.#loop.end();
    this.session.end();
    this.#core.sessions.delete(this.session);
    this.#release();
    const seconds = (Date.now() - this.session.since) / 1000;
    this.#core.emit({ event: 'close', session: this.session.facts, why: this.#why, seconds });
  }
}
