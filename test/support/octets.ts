/**
 * Bytes as a person types and reads them: hexadecimal, with spaces where they help.
 */

/** `"01 20 0005"` as bytes. Anything else than pairs of digits and spaces is a mistake in the test. */
export function bytes(spaced: string): Uint8Array<ArrayBuffer> {
  const digits = spaced.replace(/\s+/g, "");
  if (!/^(?:[0-9a-f]{2})*$/.test(digits)) throw new Error(`not bytes: "${spaced}"`);
  return Uint8Array.from(Buffer.from(digits, "hex"));
}

/** The way back, without spaces. */
export function hexOf(octets: Uint8Array): string {
  return Buffer.from(octets).toString("hex");
}

export function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}

export function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(pieces));
}
