/**
 * What is known of an unfinished download, in a file beside its part. The first line says of
 * which version of which file the part is, and in which boot of this machine that was written;
 * each further line is the digest of one whole, proved chunk, written after the chunk.
 *
 * Its name is known beforehand, as that of the part: a link planted there is not followed.
 */
import { constants } from "node:fs";
import { readFile } from "node:fs/promises";
import { isAlgorithm } from "../base/digest.ts";
import type { Algorithm } from "../base/digest.ts";
import { OpenFile } from "../base/openfile.ts";
import { systemPath } from "../base/path.ts";
import { mayUse } from "../base/ways.ts";
import { localFailure } from "./copy.ts";

const { O_APPEND, O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY } = constants;

/** Which content the part is of. */
export interface PartOrigin {
  /** The server's fingerprint or name, and the user on it. */
  readonly server: string;
  readonly path: string;
  readonly version: string;
  readonly algorithm: Algorithm;
}

interface LogHead extends PartOrigin {
  readonly boot: string;
}

export interface PartLog {
  readonly origin: PartOrigin;
  readonly digests: Uint8Array[];
  /** Whatever was written before it is still in the file, because the machine has not gone down. */
  readonly isOfThisBoot: boolean;
}

/** Nothing where there is none, or none that can be read. */
export async function readPartLog(path: string): Promise<PartLog | undefined> {
  const text = await readUnlinked(path).catch(() => "");
  const [first, ...lines] = text.split("\n");
  const head = parseHead(first ?? "");
  if (head === undefined) return undefined;
  const digests: Uint8Array[] = [];
  for (const line of lines) {
    // A line that a crash cut off ends what is known.
    if (!/^(?:[0-9a-f]{32}|[0-9a-f]{64})$/.test(line)) break;
    digests.push(Uint8Array.from(Buffer.from(line, "hex")));
  }
  return { origin: head, digests, isOfThisBoot: head.boot === (await bootId()) };
}

/** In the place of whatever it said. @throws FtpxError LOCAL_IO */
export async function beginPartLog(
  path: string,
  origin: PartOrigin,
  digests: readonly Uint8Array[],
): Promise<void> {
  const head: LogHead = { ...origin, boot: await bootId() };
  await write(path, O_TRUNC, [JSON.stringify(head), ...digests.map(hexOf)]);
}

/** @throws FtpxError LOCAL_IO */
export async function addToPartLog(path: string, digests: readonly Uint8Array[]): Promise<void> {
  await write(path, O_APPEND, digests.map(hexOf));
}

async function write(path: string, how: number, lines: readonly string[]): Promise<void> {
  const text = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  try {
    const log = await OpenFile.openUnlinked(systemPath(path), O_WRONLY | O_CREAT | how, 0o600);
    try {
      await log.write([text], (await log.facts()).bytes);
    } finally {
      await log.close();
    }
  } catch (error) {
    throw localFailure(error, path);
  }
}

async function readUnlinked(path: string): Promise<string> {
  const log = await OpenFile.openUnlinked(systemPath(path), O_RDONLY);
  try {
    const content = Buffer.alloc((await log.facts()).bytes);
    return content.subarray(0, await log.read(content, 0)).toString();
  } finally {
    await log.close();
  }
}

function parseHead(line: string): LogHead | undefined {
  try {
    const head = JSON.parse(line) as Partial<Record<keyof LogHead, unknown>>;
    const { server, path, version, algorithm, boot } = head;
    const fields = [server, path, version, algorithm, boot];
    const isWhole = fields.every((field) => typeof field === "string");
    return isWhole && isAlgorithm(String(algorithm)) ? (head as LogHead) : undefined;
  } catch {
    return undefined;
  }
}

function hexOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString("hex");
}

let boot: Promise<string> | undefined;

/** Changes with every boot of this machine; where nothing tells, no two runs are of one boot. */
function bootId(): Promise<string> {
  boot ??= readBootId();
  return boot;
}

async function readBootId(): Promise<string> {
  if (!mayUse("boot-id")) return crypto.randomUUID();
  const found = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
  return found.trim() === "" ? crypto.randomUUID() : found.trim();
}
