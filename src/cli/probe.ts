/**
 * What a signed-in line is worth, for `ftpx doctor`: how long an answer takes, how far the
 * server's clock is from ours, how fast content goes both ways.
 *
 * The clock is read off a directory that the server makes, so the protocol need not tell it.
 * Content goes through it as files do, proved and synced. Whatever is made there is removed;
 * an account that could not remove it makes nothing.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FtpxError, isKind, withHint } from "../base/errors.ts";
import { resolvePath } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";
import { formatDuration, formatRate, formatSize } from "../base/units.ts";
import { localFailure } from "../client/copy.ts";
import { downloadOnce } from "../client/get.ts";
import { uploadOnce } from "../client/put.ts";
import type { Remote } from "../client/remote.ts";
import type { Target } from "../client/target.ts";
import { fine, skipped, warning } from "./diagnosis.ts";
import type { Diagnosis, Seen } from "./diagnosis.ts";

/** Answers that are waited for one after the other. */
const PINGS = 15;
/** The first probe; the second has what goes in so long at its rate. */
const SMALL_BYTES = 256 * 1024;
const LARGE_BYTES_MAX = 32 * 1024 * 1024;
const SPEED_MS = 1_000;

/** Beyond this, people are puzzled by times. */
const CLOCK_MS_ADVISED = 2_000;
/** On a longer line typing is no pleasure; the transfers do not mind. */
const LATENCY_MS_ADVISED = 1_000;

export interface Line {
  readonly remote: Remote;
  readonly target: Target;
  readonly hasSpeed: boolean;
  readonly signal: AbortSignal;
}

export async function lookAtLine(diagnosis: Diagnosis, line: Line): Promise<void> {
  let latencyMs = 0;
  const ping = async () => {
    const times = await pings(line);
    latencyMs = times[Math.floor(times.length / 2)] ?? 0;
    return latencyOf(latencyMs, times.at(-1) ?? 0);
  };
  if (!(await diagnosis.look("round trip", ping))) return;
  const reason = await whyNotMake(line);
  const folder = resolvePath(line.target.path, `./.ftpx-doctor-${randomBytes(6).toString("hex")}`);
  if (reason !== undefined) {
    await diagnosis.look("clock", () => skipped(reason));
    if (line.hasSpeed) await diagnosis.look("speed", () => skipped(reason));
    return;
  }
  try {
    const isMade = await diagnosis.look("clock", () => compareClocks(line, folder));
    if (isMade && line.hasSpeed) await diagnosis.look("speed", () => speed(line, folder));
  } finally {
    await remove(line, folder).catch((error: unknown) =>
      diagnosis.look("clean-up", () => {
        throw error;
      }),
    );
  }
}

/** From the shortest to the longest, in ms. The first answer warms the way up. */
async function pings({ remote, signal }: Line): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index <= PINGS; index += 1) {
    const beganMs = performance.now();
    await remote.call("quota", {}, signal);
    if (index > 0) times.push(performance.now() - beganMs);
  }
  return times.toSorted((a, b) => a - b);
}

function latencyOf(medianMs: number, longestMs: number): Seen {
  const text = `${formatLatency(medianMs)}, at most ${formatLatency(longestMs)}`;
  const facts = { medianMs, longestMs };
  if (medianMs < LATENCY_MS_ADVISED) return fine(text, facts);
  return warning(text, "the line is long or full, or the server busy", facts);
}

/** A round trip in a house takes less than a millisecond. */
export function formatLatency(durationMs: number): string {
  return durationMs < 10 ? `${durationMs.toFixed(1)} ms` : formatDuration(durationMs);
}

/** Why this account makes nothing here that it could not remove again. */
async function whyNotMake({ remote, target, signal }: Line): Promise<string | undefined> {
  try {
    await remote.call("stat", { path: target.path }, signal);
  } catch (error) {
    if (isKind(error, "FORBIDDEN")) return "the account may only upload";
    if (!isKind(error, "NO_SUCH_PATH")) throw error;
    return "there is no such directory on the server";
  }
  // Asks for the right and does nothing: there is no upload to this path.
  const path = resolvePath(target.path, `./.ftpx-doctor-${randomBytes(6).toString("hex")}`);
  try {
    await remote.call("dropUpload", { path }, signal);
  } catch (error) {
    if (isKind(error, "FORBIDDEN")) return "the account may not write";
    if (!isKind(error, "NO_SUCH_PATH")) throw error;
  }
  return undefined;
}

/** @throws FtpxError QUOTA_EXCEEDED, FILES_EXCEEDED, … */
export async function compareClocks(
  { remote, signal }: { readonly remote: Pick<Remote, "call">; readonly signal: AbortSignal },
  path: VirtualPath,
): Promise<Seen> {
  const beganMs = Date.now();
  await remote.call("makeDir", { path, withParents: false }, signal);
  const endedMs = Date.now();
  const { modifiedMs } = await remote.call("stat", { path }, signal);
  const aheadMs = Math.round(modifiedMs - (beganMs + endedMs) / 2);
  const facts = { aheadMs };
  // Within the time that the answer took nobody can tell.
  if (Math.abs(aheadMs) <= Math.max(endedMs - beganMs, 100)) {
    return fine("the server's clock agrees with this one", facts);
  }
  const direction = aheadMs > 0 ? "ahead of" : "behind";
  const text = `the server's clock is ${formatDuration(Math.abs(aheadMs))} ${direction} this one`;
  if (Math.abs(aheadMs) < CLOCK_MS_ADVISED) return fine(text, facts);
  return warning(text, "let the network set both: timedatectl set-ntp true", facts);
}

/** @throws FtpxError QUOTA_EXCEEDED, DISK_FULL, LOCAL_FULL, DIGEST_MISMATCH, CONNECTION_LOST, … */
async function speed(line: Line, folder: VirtualPath): Promise<Seen> {
  const local = await mkdtemp(join(tmpdir(), "ftpx-doctor-")).catch((error: unknown) => {
    throw localFailure(error, tmpdir());
  });
  try {
    const small = await probe(line, folder, local, SMALL_BYTES);
    const slowest = Math.min(small.putRate, small.getRate);
    const { usedBytes, reservedBytes, limitBytes } = await line.remote.call("quota", {});
    const roomBytes = limitBytes - usedBytes - reservedBytes;
    const wantedBytes = Math.floor((slowest * SPEED_MS) / 1000);
    const bytes = Math.min(wantedBytes, roomBytes, LARGE_BYTES_MAX);
    const found = bytes > SMALL_BYTES ? await probe(line, folder, local, bytes) : small;
    const text = `put ${formatRate(found.putRate)}, get ${formatRate(found.getRate)}`;
    const facts = { bytes: found.bytes, putRate: found.putRate, getRate: found.getRate };
    return fine(`${text}, with ${formatSize(found.bytes)} of content`, facts);
  } catch (error) {
    throw withHint(error, "--no-speed leaves this out", "QUOTA_EXCEEDED", "FILES_EXCEEDED");
  } finally {
    await rm(local, { recursive: true, force: true });
  }
}

interface Probed {
  readonly bytes: number;
  readonly putRate: number;
  readonly getRate: number;
}

async function probe(
  { remote, signal }: Line,
  folder: VirtualPath,
  local: string,
  bytes: number,
): Promise<Probed> {
  const source = join(local, "sent");
  await writeFile(source, randomBytes(bytes), { mode: 0o600 }).catch((error: unknown) => {
    throw localFailure(error, source);
  });
  const job = {
    path: resolvePath(folder, "./probe"),
    algorithm: "sha256",
    isFresh: true,
    mayReplace: true,
    pace: undefined,
    memory: {},
    signal,
    onProgress: () => {},
  } as const;
  const client = await remote.client();
  const putMs = await took(() => uploadOnce(client, { ...job, local: source }));
  const back = join(local, `received-${bytes}`);
  const server = remote.settings.endpoint.name;
  const getMs = await took(() => downloadOnce(client, { ...job, memory: {}, local: back }, server));
  return { bytes, putRate: (bytes / putMs) * 1000, getRate: (bytes / getMs) * 1000 };
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now();
  await work();
  return Math.max(0.1, performance.now() - beganMs);
}

/** An upload that was cut short goes too, with the room that it keeps. @throws FtpxError */
async function remove({ remote, signal }: Line, folder: VirtualPath): Promise<void> {
  // Where the person does not want to wait, this is still done: it is short.
  const within = signal.aborted ? AbortSignal.timeout(CLEANING_MS_MAX) : signal;
  const gone = ["NO_SUCH_PATH", "NOT_SETTLED"] as const;
  const path = resolvePath(folder, "./probe");
  for (const clean of [
    () => remote.call("dropUpload", { path }, within),
    () => remote.call("remove", { path: folder, isRecursive: true }, within),
  ]) {
    await clean().catch((error: unknown) => {
      if (isKind(error, ...gone)) return;
      if (!(error instanceof FtpxError)) throw error;
      const hint = `${folder} may be left on the server: ftpx rm -r removes it`;
      throw new FtpxError(error.kind, error.details, { cause: error, hint });
    });
  }
}

const CLEANING_MS_MAX = 2_000;
