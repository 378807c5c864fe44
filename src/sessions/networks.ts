/**
 * A list of addresses and networks, as an operator writes it: `192.0.2.7`, `10.0.0.0/8`,
 * `2001:db8::/32`.
 *
 * An IPv4 address that is written in IPv6 (`::ffff:…`) is the IPv4 address.
 */
import { BlockList, isIP } from "node:net";
import { FtpxError } from "../base/errors.ts";

const FAMILIES = { 4: { name: "ipv4", bits: 32 }, 6: { name: "ipv6", bits: 128 } } as const;

export class Networks {
  readonly #list = new BlockList();

  /** @throws FtpxError USAGE */
  constructor(texts: readonly string[] = []) {
    for (const text of texts) this.add(text);
  }

  has(address: string): boolean {
    const plain = unmapped(address.split("%", 1)[0] ?? "");
    const version = isIP(plain);
    return version !== 0 && this.#list.check(plain, FAMILIES[version as 4 | 6].name);
  }

  /** @throws FtpxError USAGE for what is neither an address nor a network */
  add(text: string): void {
    const [address = "", bitsText, ...more] = text.split("/");
    const family = FAMILIES[isIP(address) as 4 | 6] as (typeof FAMILIES)[4 | 6] | undefined;
    const bits = bitsText === undefined ? family?.bits : bitsOf(bitsText);
    if (family === undefined || bits === undefined || bits > family.bits || more.length > 0) {
      const reason = `not an address or a network: ${JSON.stringify(text.slice(0, 64))}`;
      const hint = "as in 192.0.2.7, 10.0.0.0/8, 2001:db8::/32";
      throw new FtpxError("USAGE", { reason }, { hint });
    }
    this.#list.addSubnet(address, bits, family.name);
  }
}

function bitsOf(text: string): number | undefined {
  return /^\d{1,3}$/.test(text) ? Number(text) : undefined;
}

/** The text as it is, when it is one. @throws FtpxError USAGE */
export function parseNetwork(text: string): string {
  new Networks().add(text);
  return text;
}

/** Peers of a listener for both families appear as `::ffff:192.0.2.7`. */
export function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}
