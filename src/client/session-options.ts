import type { Charset } from '../protocol/text.js';

export type DialogueSink = (direction: '>' | '<' | '*', text: string) => void;

export interface SessionOptions {
  /** The site as the user calls it. */
  name: string;
  host: string;
  port: number;
  localAddress?: string | undefined;
  charset?: Charset | undefined;
  /** One command's reply, milliseconds [30000]. */
  commandTimeout?: number | undefined;
  connectTimeout?: number | undefined;
  signal?: AbortSignal | undefined;
  onDialogue?: DialogueSink | undefined;
  /** Texts that never appear in a dialogue or message. */
  secrets?: string[] | undefined;
}

export interface RequestOptions {
  /** Milliseconds for this reply. */
  timeout?: number;
  /** PASV or EPSV for the next file: may leave in one segment with the transfer command before it. */
  ahead?: boolean;
}
