/** Addresses that `ftpx serve` listens on, as they are typed: HOST:PORT, and what goes without. */
import { hostname } from "node:os";
import { FtpxError } from "../base/errors.ts";
import type { EventSink } from "../base/events.ts";
import { formatHost, PORT_DEFAULT } from "../client/target.ts";
import type { Identity } from "../doors/identity.ts";
import type { OpenDoor } from "../doors/door.ts";
import { isLoopback } from "../wire/tls.ts";
import { writeNote } from "./terminal.ts";

/** @throws FtpxError USAGE */
export function parseListen(text: string | undefined): { hostname: string; port: number } {
  if (text === undefined) return { hostname: "::", port: PORT_DEFAULT };
  const parts = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(parts?.[3]);
  if (parts === null || port > 65_535) {
    throw new FtpxError("USAGE", { reason: `"${text}" is not HOST:PORT` });
  }
  const host = parts[1] ?? parts[2] ?? "";
  return { hostname: host === "" || host === "*" ? "::" : host, port };
}

/** @throws FtpxError USAGE */
export function parseMetrics(
  text: string | undefined,
): { hostname: string; port: number } | undefined {
  if (text === undefined) return undefined;
  const address = parseListen(text);
  if (!isLoopback(address.hostname)) {
    writeNote("ftpx: --metrics is not on a loopback address: whoever reaches it sees the numbers");
  }
  return address;
}

/** What others reach a server by that listens on this address; nothing stands for all of them. */
export function reachedBy(host: string): string {
  return ["", "::", "0.0.0.0"].includes(host) ? hostname() : host;
}

/** Where the server listens, and the line that its users paste. */
export function announce(
  door: OpenDoor,
  identity: Identity,
  emit: EventSink,
  isJson: boolean,
): void {
  const { fingerprint } = identity;
  const { host, port } = door;
  emit({ event: "listening", host, port, fingerprint });
  const line = `ftpx connect ftpx://${formatHost(reachedBy(host), port)}#${fingerprint}`;
  if (!isJson) writeNote(`\nto join, paste:\n\n    ${line}\n`);
}
