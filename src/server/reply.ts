/** One reply as a handler gives it; the loop writes it (RFC 959 4.2). */
export interface ServerReply {
  code: number;
  /** Several lines make a multi-line reply. Never holds octets of the client but where the RFC asks for them (257, MLST). */
  text: string | readonly string[];
  /** Every line begins with the code (XDUPE). */
  numbered?: boolean;
  /** The control connection ends after it (221, 421). */
  close?: boolean;
}

/** Octets of a reply that is too long to be held: it is told piece by piece, and a `ServerReply` is its last line. */
export interface ReplyPart {
  octets: Buffer;
}

/** Tells a preliminary reply (1yz) of the command that is carried out, at once. */
export type Say = (answer: ServerReply) => void;

/** What a handler gives: its final reply now or later, or several replies (234, then nothing; a long one in pieces). */
export type Answer =
  | ServerReply
  | Promise<ServerReply>
  | AsyncGenerator<ServerReply, void, void>
  | AsyncGenerator<ServerReply | ReplyPart, void, void>;

/** A reply of one line, or of several. */
export const reply = (code: number, text: string | readonly string[]): ServerReply => ({ code, text });

/** A reply after which the connection ends. */
export const farewell = (code: number, text: string): ServerReply => ({ code, text, close: true });

/** Thrown by a handler's helpers: becomes that reply. */
export class Refusal extends Error {
  readonly answer: ServerReply;

  constructor(code: number, text: string | readonly string[], more: Pick<ServerReply, 'numbered'> = {}) {
    super(typeof text === 'string' ? text : text.join(' '));
    this.name = 'Refusal';
    this.answer = { ...reply(code, text), ...more };
  }
}
