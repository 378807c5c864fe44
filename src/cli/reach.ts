/**
 * A server as `ftpx doctor TARGET` sees it from here, in the order in which a connection is
 * made: its name, its address, TLS, its key, the sign-in, then what the line is worth. What
 * builds on something that failed is not tried.
 */
import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import type { TcpNetConnectOpts } from "node:net";
import { FtpxError, isKind } from "../base/errors.ts";
import { lookAt } from "../client/connect.ts";
import { formatHost } from "../client/target.ts";
import type { Target } from "../client/target.ts";
import { clientDirectory, Trust } from "../client/trust.ts";
import { ALPN } from "../wire/frame.ts";
import { fine, skipped, warning } from "./diagnosis.ts";
import type { Diagnosis, Seen } from "./diagnosis.ts";
import { openRemote } from "./opening.ts";
import type { ConnectOptions, Opened } from "./opening.ts";
import { formatLatency, lookAtLine } from "./probe.ts";
import { canAsk } from "./terminal.ts";

/** Of those that a name may have, and how long each may take. */
const ADDRESSES_MAX = 8;
const REACH_MS_MAX = 5_000;

export interface Visit {
  readonly target: Target;
  readonly options: ConnectOptions;
  readonly hasSpeed: boolean;
  readonly signal: AbortSignal;
}

export async function lookAtServer(diagnosis: Diagnosis, visit: Visit): Promise<void> {
  const { target, options } = visit;
  let addresses: readonly string[] = [];
  const resolve = async () => {
    addresses = await addressesOf(target.host);
    return fine(addresses.join(", "), { addresses });
  };
  if (!(await diagnosis.look("name", resolve))) return;
  if (!(await diagnosis.look("reachable", () => reach(visit, addresses)))) return;
  if (options.plain !== true) {
    let key = "";
    const shake = async () => {
      const { host, port } = target;
      const name = formatHost(host, port);
      const localAddress = options.bind;
      key = await lookAt({ host, port, name, localAddress, fingerprint: undefined });
      return fine(`TLS 1.3, ${ALPN}`, { version: "1.3", alpn: ALPN });
    };
    if (!(await diagnosis.look("TLS", shake))) return;
    if (!(await diagnosis.look("key", () => compareKey(visit, key)))) return;
  }
  let opened: Opened | undefined;
  const enter = async (): Promise<Seen> => {
    const reason = await missingFor(visit);
    if (reason !== undefined) return skipped(reason);
    opened = await open(visit);
    return opened === undefined ? skipped("no password was given") : fine(`as ${opened.user}`);
  };
  await diagnosis.look("sign-in", enter);
  if (opened === undefined) return;
  try {
    await lookAtLine(diagnosis, { ...visit, remote: opened.remote });
  } finally {
    opened.remote.close();
  }
}

/** What nobody is there to be asked for. */
async function missingFor({ target, options }: Visit): Promise<string | undefined> {
  if (canAsk()) return undefined;
  const { host, port, user, fingerprint } = target;
  const isTrusting = options.acceptNew === true || options.plain === true;
  const isKnown = fingerprint !== undefined || isTrusting;
  if (!isKnown && (await pinOf(formatHost(host, port))).pinned === undefined) {
    return "nothing is sent to a server whose key is not known";
  }
  if (user === undefined && (process.env["FTPX_USER"] ?? "") === "") return "nobody was named";
  return undefined;
}

const QUIET = { onRetry: () => {}, onBack: () => {} };

/** Nothing where there is no password. @throws FtpxError as openRemote */
async function open({ target, options, signal }: Visit): Promise<Opened | undefined> {
  const once = { ...options, retries: options.retries ?? 0 };
  try {
    return await openRemote(target, { options: once, ...QUIET, signal });
  } catch (error) {
    if (isKind(error, "NO_PASSWORD")) return undefined;
    throw error;
  }
}

/** @throws FtpxError UNREACHABLE */
async function addressesOf(host: string): Promise<string[]> {
  try {
    const found = await lookup(host, { all: true });
    return [...new Set(found.map(({ address }) => address))].slice(0, ADDRESSES_MAX);
  } catch (cause) {
    const reason = `no address is known for this name (${codeOf(cause)})`;
    const hint = "look at the spelling, and whether this machine's name server answers";
    throw new FtpxError("UNREACHABLE", { host, reason }, { cause, hint });
  }
}

/** Every address, because a client may take any of them. @throws FtpxError UNREACHABLE */
async function reach(
  { target: { host, port }, options }: Visit,
  addresses: readonly string[],
): Promise<Seen> {
  const localAddress = options.bind;
  const ways = addresses.map((address) => ({ host: address, port, localAddress }));
  const tries = await Promise.all(ways.map(reachMs));
  const missed = addresses.filter((_address, index) => typeof tries[index] === "string");
  const reached = tries.filter((one) => typeof one === "number");
  if (reached.length === 0) {
    throw new FtpxError("UNREACHABLE", { host: formatHost(host, port), reason: String(tries[0]) });
  }
  const fastest = Math.min(...reached);
  const text = `port ${port} in ${formatLatency(fastest)}`;
  const facts = { port, milliseconds: fastest, unreachable: missed };
  if (missed.length === 0) return fine(text, facts);
  const count = `${missed.length} of ${addresses.length} addresses`;
  const hint = `connections are slow to begin where these are tried first: ${missed.join(", ")}`;
  return warning(`${text}, but ${count} cannot be reached`, hint, facts);
}

/** How long a connection takes, or why there is none. */
async function reachMs(way: TcpNetConnectOpts): Promise<number | string> {
  const beganMs = performance.now();
  return await new Promise((resolve) => {
    const socket = connect(way);
    const end = (answer: number | string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end(`no answer in ${REACH_MS_MAX / 1000} s`), REACH_MS_MAX);
    socket.once("connect", () => end(performance.now() - beganMs));
    socket.once("error", (error) => end(codeOf(error)));
  });
}

/** @throws FtpxError CHANGED_KEY, OTHER_KEY, BAD_CONFIG */
async function compareKey({ target }: Visit, fingerprint: string): Promise<Seen> {
  const { host: name, port, fingerprint: told } = target;
  const host = formatHost(name, port);
  const { file, ...trust } = await pinOf(host);
  const expected = trust.pinned ?? told;
  if (told !== undefined && trust.pinned !== undefined && told !== trust.pinned) {
    throw new FtpxError("OTHER_KEY", { host, fingerprint: told, expected: trust.pinned, file });
  }
  if (expected !== undefined && expected !== fingerprint) {
    throw new FtpxError("CHANGED_KEY", { host, expected, fingerprint, file });
  }
  const facts = { fingerprint, known: trust.pinned !== undefined };
  if (trust.pinned !== undefined) return fine(`the known one, ${fingerprint}`, facts);
  if (told !== undefined) return fine(`the one of the target, ${fingerprint}`, facts);
  const hint = "compare it with what the server printed; --accept-new trusts it from now on";
  return warning(`not known here: ${fingerprint}`, hint, facts);
}

async function pinOf(host: string): Promise<{ pinned: string | undefined; file: string }> {
  const trust = new Trust(clientDirectory(process.env));
  return { pinned: await trust.find(host), file: trust.file };
}

function codeOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return code ?? message ?? String(error);
}
