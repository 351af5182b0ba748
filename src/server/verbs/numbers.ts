/** A count of octets as the client wrote it, as far as JavaScript can count (threats.md row 35). */
export function octets(text: string): number | undefined {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}
