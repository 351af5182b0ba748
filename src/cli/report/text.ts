import type { EngineEvent, Summary } from '../../engine/events.js';
import { printable } from '../../protocol/names.js';
import { maskText } from '../../protocol/url.js';
import { bytes, count, rate, routeWords, securityWords, span } from '../format.js';

/** One line for people, and whether it belongs on stderr. */
export interface TextLine {
  text: string;
  problem?: boolean;
}

/** Foreign text on a terminal: passwords of URLs masked, control characters visible. */
export const safe = (text: string): string => printable(maskText(text));

/** The lines that stay on the screen for an event; none for events that only move bars. */
export function linesOf(e: EngineEvent): TextLine[] {
  switch (e.event) {
    case 'start':
      return [{ text: `${safe(e.source)} -> ${safe(e.destination)}${e.dryRun ? ' (dry run)' : ''}` }];
    case 'scan':
      return e.done ? [{ text: `found  ${count(e.files, 'file')}, ${bytes(e.bytes)}` }] : [];
    case 'route':
      return [{ text: routeLine(e) }];
    case 'route-failed':
      return [{ text: `route  ${safe(e.summary)} failed${at(e.side)}: ${safe(e.reason)}` }];
    case 'alarm':
      return [{ text: `ALARM: ${safe(e.message)}`, problem: true }, ...advice(e.advice)];
    case 'mkdir':
      return [{ text: `mkdir  ${safe(e.path)}` }];
    case 'file-done':
      return [{ text: doneLine(e) }];
    case 'file-skipped':
      return [{ text: `skip   ${safe(e.path)} (${e.reason})` }];
    case 'file-failed':
      return failedLines(e);
    case 'retry':
      return [{ text: `retry  ${safe(e.path)}, attempt ${e.attempt}: ${safe(e.reason)}` }];
    case 'parallel':
      return [{ text: `pace   ${e.sessions} at once, ${e.before} before: ${safe(e.reason)}` }];
    case 'order':
      // Only what changed: the steps that hold from the start are in the JSON events.
      return e.before === undefined
        ? []
        : [{ text: `order  ${safe(e.site)}: ${e.order}, ${e.before} before: ${safe(e.reason)}` }];
    case 'deleted':
      return [{ text: `delete ${safe(e.path)}${e.kind === 'dir' ? '/' : ''}` }];
    case 'warning':
      return [{ text: `warning: ${safe(e.message)}`, problem: true }, ...advice(e.advice)];
    case 'summary':
      return summaryLines(e).map((text) => ({ text }));
    default:
      return [];
  }
}

/** A line of the control dialogue. */
export function dialogueLine(e: Extract<EngineEvent, { event: 'dialogue' }>): string {
  return `${safe(e.site)}#${e.session} ${e.direction} ${safe(e.text)}`;
}

function routeLine(e: Extract<EngineEvent, { event: 'route' }>): string {
  const known = e.remembered ? ', as last time' : '';
  return `route  ${routeWords(e.route)}, ${securityWords(e.security, e.route)}${known}`;
}

function doneLine(e: Extract<EngineEvent, { event: 'file-done' }>): string {
  const speed = e.seconds > 0 ? ` (${rate(e.bytes / e.seconds)})` : '';
  const proof = e.proof === 'none' ? 'unproven' : `same ${e.algorithm ?? e.proof}`;
  const tries = e.attempts > 1 ? `, ${count(e.attempts, 'attempt')}` : '';
  return `done   ${safe(e.path)}  ${bytes(e.bytes)} in ${span(e.seconds)}${speed}  ${e.route.kind}, ${e.security}, ${proof}${tries}`;
}

function failedLines(e: Extract<EngineEvent, { event: 'file-failed' }>): TextLine[] {
  const lines: TextLine[] = [{ text: `failed ${safe(e.path)}: ${safe(e.message)}`, problem: true }];
  if (e.leftover) lines.push({ text: `       left behind: ${safe(e.leftover)}`, problem: true });
  return [...lines, ...advice(e.advice)];
}

function advice(text: string | undefined): TextLine[] {
  return text === undefined ? [] : [{ text: `       ${safe(text)}`, problem: true }];
}

function at(side: 'source' | 'destination' | undefined): string {
  return side === undefined ? '' : ` at ${side}`;
}

function summaryLines(s: Summary): string[] {
  const speed = s.seconds > 0 && s.bytes > 0 ? ` (${rate(s.bytes / s.seconds)})` : '';
  const extra = [
    ...(s.skipped > 0 ? [`${s.skipped} skipped`] : []),
    ...(s.deleted > 0 ? [`${s.deleted} deleted`] : []),
    ...(s.failed > 0 ? [`${s.failed} FAILED`] : []),
  ];
  const lines = [
    [`total  ${count(s.files, 'file')}, ${bytes(s.bytes)} in ${span(s.seconds)}${speed}`, ...extra].join(
      ', ',
    ),
  ];
  if (s.route === null || s.security === null) return lines;
  const { digest, size, none } = s.verified;
  const proofs = [
    ...(digest > 0 ? [`${digest} by digest`] : []),
    ...(size > 0 ? [`${size} by size`] : []),
    ...(none > 0 ? [`${none} unproven`] : []),
  ];
  lines.push(
    `       ${s.route.kind}, ${securityWords(s.security, s.route)}; arrival: ${proofs.join(', ') || 'nothing to prove'}`,
  );
  lines.push(`       through this machine: ${bytes(s.clientBytes)}`);
  return lines;
}
