/**
 * What stands in `operator.sock` where the system has no unix sockets, as Windows: a port of the
 * loopback interface, the fingerprint of the server behind it, and a secret that whoever
 * connects shows first. The file is as private as the socket would be, and good for one run of
 * the server: its port may be anybody's afterwards, and then the fingerprint does not fit.
 */
import { isFingerprint } from "./fingerprint.ts";

export const SECRET_BYTES = 32;

export interface OperatorPort {
  readonly port: number;
  readonly fingerprint: string;
  readonly secret: Uint8Array;
}

export function formatOperatorPort({ port, fingerprint, secret }: OperatorPort): string {
  return `${port} ${fingerprint} ${Buffer.from(secret).toString("hex")}\n`;
}

/** Nothing for a text that no server has written. */
export function parseOperatorPort(text: string): OperatorPort | undefined {
  const [, digits, fingerprint = "", hex = ""] =
    /^(\d{1,5}) (\S+) ([0-9a-f]{64})\n$/.exec(text) ?? [];
  const port = Number(digits);
  if (!(port > 0 && port <= 65_535) || !isFingerprint(fingerprint)) return undefined;
  return { port, fingerprint, secret: Uint8Array.from(Buffer.from(hex, "hex")) };
}
