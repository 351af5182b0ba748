/** A block of addresses; made by `parseRange`. Plain data: it crosses threads. */
export interface AddressRange {
  /** As written: `192.0.2.0/24`, `2001:db8::/32`, `192.0.2.7`. */
  text: string;
  family: 4 | 6;
  /** Address as 4 or 16 octets. */
  octets: number[];
  /** Leading bits that count. */
  bits: number;
}
