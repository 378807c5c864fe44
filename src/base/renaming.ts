/**
 * A rename that replaces, also where somebody has the replaced file open. POSIX systems do not
 * mind; Windows refuses it, and virus scanners and indexers open for a moment whatever is new.
 * So there it is tried again for a while. What is still open then stays, and so does the new
 * file under its own name: nothing is moved away first, or a crash could leave neither.
 */
import fs from "node:fs/promises";
import { RENAME_MS_MAX } from "./limits.ts";

const PAUSE_MS = 20;

/** How Windows says that somebody has it open. */
const OPEN_ELSEWHERE = new Set(["EPERM", "EACCES", "EBUSY"]);

type Rename = (from: string | Buffer, to: string | Buffer) => Promise<void>;

/** @param rename the system's; given only by tests, as the platform is @throws the system's error */
export async function renamePatiently(
  from: string | Buffer,
  to: string | Buffer,
  platform: NodeJS.Platform = process.platform,
  rename: Rename = (...names) => fs.rename(...names),
): Promise<void> {
  const deadlineMs = performance.now() + (platform === "win32" ? RENAME_MS_MAX : 0);
  for (;;) {
    try {
      await rename(from, to);
      return;
    } catch (error) {
      const { code = "" } = error as { code?: string };
      if (!OPEN_ELSEWHERE.has(code) || performance.now() >= deadlineMs) throw error;
    }
    await Bun.sleep(PAUSE_MS);
  }
}
