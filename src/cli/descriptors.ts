/** How many sessions the descriptor limit has room for. */
import { readFile } from "node:fs/promises";
import { FtpxError } from "../base/errors.ts";
import { DESCRIPTORS_MIN, RESERVED_DESCRIPTORS } from "../base/limits.ts";
import { mayUse } from "../base/ways.ts";

/** A session's socket, and on average one file or directory that it has open. */
const DESCRIPTORS_PER_SESSION = 2;

/**
 * At the limit the runtime's listener would spin without a word, so the server refuses
 * sessions before that.
 *
 * @throws FtpxError BAD_CONFIG when there is no room at all
 */
export async function sessionsThatFit(wanted: number): Promise<number> {
  const limit = await descriptorLimit();
  const reserved = Math.min(RESERVED_DESCRIPTORS, Math.floor(limit / 2));
  const fitting = Math.floor((limit - reserved) / DESCRIPTORS_PER_SESSION);
  if (limit < DESCRIPTORS_MIN) {
    throw new FtpxError("BAD_CONFIG", { reason: `the descriptor limit of ${limit} is too low` });
  }
  return Math.min(wanted, fitting);
}

/** The soft limit of this process; unbounded where the system does not tell. */
async function descriptorLimit(): Promise<number> {
  return (await limitOfProc()) ?? limitOfReport() ?? Number.MAX_SAFE_INTEGER;
}

async function limitOfProc(): Promise<number | undefined> {
  if (!mayUse("process-facts")) return undefined;
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const found = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** What the runtime says of the process, as on macOS; Windows has no such limit. */
function limitOfReport(): number | undefined {
  const report = process.report.getReport() as { userLimits?: Record<string, { soft?: unknown }> };
  const soft = report.userLimits?.["open_files"]?.soft;
  return typeof soft === "number" ? soft : undefined;
}
