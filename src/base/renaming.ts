/**
 * A rename that replaces, also where somebody has the replaced file open. POSIX systems do not
 * mind; Windows refuses it, and virus scanners and indexers open for a moment whatever is new.
 * So there it is tried again for a while. What is still open then stays, and so does the new
 * file under its own name: nothing is moved away first, or a crash could leave neither.
 */
import fs from "node:fs/promises";
import { FtpxError } from "./errors.ts";
import { RENAME_MS_MAX } from "./limits.ts";

const PAUSE_MS = 20;

/** How Windows says that somebody has it open. */
const OPEN_ELSEWHERE = new Set(["EPERM", "EACCES", "EBUSY"]);

type Rename = (from: string | Buffer, to: string | Buffer) => Promise<void>;

/** @param rename the system's; given only by tests, as the platform is @throws FtpxError IN_USE, and the system's error */
export async function renamePatiently(
  from: string | Buffer,
  to: string | Buffer,
  platform: NodeJS.Platform = process.platform,
  rename: Rename = (...names) => fs.rename(...names),
): Promise<void> {
  const deadlineMs = performance.now() + RENAME_MS_MAX;
  for (;;) {
    try {
      await rename(from, to);
      return;
    } catch (error) {
      const { code = "" } = error as { code?: string };
      if (platform !== "win32" || !OPEN_ELSEWHERE.has(code)) throw error;
      if (performance.now() >= deadlineMs) throw new FtpxError("IN_USE", {}, { cause: error });
    }
    await Bun.sleep(PAUSE_MS);
  }
}
