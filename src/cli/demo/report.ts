/** What the demonstration prints. */

import type { EngineEvent, Summary } from '../../engine/events.js';
import { bytes, count, rate, routeWords, securityWords, span } from '../format.js';
import type { Comparison } from './compare.js';

/** Where progress goes: one line that changes on a terminal, few lines elsewhere. */
export interface Screen {
  readonly terminal: boolean;
  write(text: string): void;
}

/** Octets and files of a run as they arrive. */
export class Progress {
  readonly #screen: Screen;
  readonly #total: { files: number; bytes: number };
  #files = 0;
  #bytes = 0;
  #shown = 0;
  readonly #running = new Map<string, number>();

  constructor(screen: Screen, total: { files: number; bytes: number }) {
    this.#screen = screen;
    this.#total = total;
  }

  take(event: EngineEvent): void {
    if (event.event === 'progress') this.#running.set(event.path, event.bytes);
    else if (event.event === 'file-done') {
      this.#running.delete(event.path);
      this.#files += 1;
      this.#bytes += event.size;
    } else if (event.event === 'route') {
      this.#line(`  route     ${event.summary}`);
      return;
    } else if (event.event === 'file-failed') {
      this.#line(`  failed    ${event.path}: ${event.message}`);
      return;
    } else if (event.event === 'alarm') {
      this.#line(`  ALARM     ${event.message}`);
      return;
    } else if (event.event === 'warning' || event.event === 'retry') {
      const text = event.event === 'warning' ? event.message : `${event.path} again: ${event.reason}`;
      this.#line(`  note      ${text}`);
      return;
    } else return;
    this.#draw();
  }

  #line(text: string): void {
    this.#screen.write(`${this.#screen.terminal ? '\r\u001b[K' : ''}${text}\n`);
  }

  #draw(): void {
    const moved = this.#bytes + [...this.#running.values()].reduce((sum, n) => sum + n, 0);
    const share = this.#total.bytes === 0 ? 1 : Math.min(1, moved / this.#total.bytes);
    const text = `  moving    ${String(Math.floor(share * 100)).padStart(3)}%  ${this.#files} of ${count(this.#total.files, 'file')}, ${bytes(moved)} of ${bytes(this.#total.bytes)}`;
    if (this.#screen.terminal) this.#screen.write(`\r\u001b[K${text}`);
    else if (share >= this.#shown) {
      this.#shown = Math.min(1, (Math.floor(share * 4) + 1) / 4) + (share >= 1 ? 1 : 0);
      this.#screen.write(`${text}\n`);
    }
  }

  end(): void {
    if (this.#screen.terminal) this.#screen.write('\r\u001b[K');
  }
}

/** The lines that sum up one copy and its comparison. */
export function copyLines(summary: Summary, found: Comparison): string[] {
  const speed = summary.seconds > 0 ? `, ${rate(summary.bytes / summary.seconds)}` : '';
  const { digest, size, none } = summary.verified;
  const proofs = [
    ...(digest > 0 ? [`${digest} by digest`] : []),
    ...(size > 0 ? [`${size} by size`] : []),
    ...(none > 0 ? [`${none} by nothing`] : []),
  ];
  return [
    `  moved     ${count(summary.files, 'file')}, ${bytes(summary.bytes)} in ${span(summary.seconds)}${speed}`,
    `  route     ${summary.route === null ? 'none' : routeWords(summary.route)}`,
    `  security  ${summary.security && summary.route ? securityWords(summary.security, summary.route) : 'none'}`,
    `  arrival   proven by Jackstay: ${proofs.join(', ')}`,
    `  client    ${summary.clientBytes} octets of files crossed this client`,
    found.differences.length === 0
      ? `  compared  ${count(found.files, 'file')}, ${found.directories} directories, ${bytes(found.bytes)}: every octet is the same`
      : `  compared  ${count(found.differences.length, 'difference')}:`,
    ...found.differences.slice(0, 20).map((difference) => `            ${difference}`),
  ];
}

/** The last words. */
export function endWords(good: boolean): string {
  return good ? '\nEverything arrived, octet for octet.\n' : '\nNOT everything arrived: see above.\n';
}
