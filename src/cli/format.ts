import type { RouteInfo } from '../engine/events.js';
import type { Security } from '../protocol/site.js';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Octets for people: `512 B`, `1.5 MiB`. */
export function bytes(n: number): string {
  let value = n;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  // 1023.96 KiB would round to 1024.0 KiB.
  if (unit > 0 && value >= 1023.95 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** Octets per second for people. */
export function rate(perSecond: number): string {
  return `${bytes(Math.round(perSecond))}/s`;
}

/** A span of seconds for people: `0.4 s`, `59 s`, `12:05`, `3:00:00`. */
export function span(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (n: number): string => String(n).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

/** `1 file`, `2 files`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** A route in a few words: `fxp (CPSV at destination, source is TLS client)`. */
export function routeWords(route: RouteInfo): string {
  const words: string[] = [];
  if (route.technique) words.push(route.passive ? `${route.technique} at ${route.passive}` : route.technique);
  else if (route.passive) words.push(`${route.passive} listens`);
  if (route.tlsClient) words.push(`${route.tlsClient} is TLS client${route.by === 'SSCN' ? ' by SSCN' : ''}`);
  if (route.pins) words.push('DCPA');
  if (route.family === 6) words.push('IPv6');
  return words.length === 0 ? route.kind : `${route.kind} (${words.join(', ')})`;
}

/** What a route proves, in a few words: `verified: both servers proved their keys (DCPA)`. */
export function securityWords(security: Security, { pins }: RouteInfo): string {
  if (pins === 'both') {
    return security === 'verified'
      ? 'verified: both servers proved their keys (DCPA)'
      : `${security}: both servers proved their keys (DCPA), but not every control certificate was checked`;
  }
  if (!pins) return security;
  const proven = pins === 'source' ? 'destination' : 'source';
  return `${security}: the ${proven} proved its key (DCPA)`;
}
