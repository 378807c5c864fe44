/** What stands at a path on the server, and where things land that are moved or copied there. */
import { FtpxError, isKind } from "../../base/errors.ts";
import { resolvePath } from "../../base/path.ts";
import type { VirtualPath } from "../../base/path.ts";
import { blaming, failureAt } from "./failing.ts";
import { HINT_PARENTS } from "./verb.ts";
import type { Spot, Stage } from "./verb.ts";

type Reach = Pick<Stage, "remote" | "signal">;

/**
 * An account that may only upload may be anywhere: what is there is hidden from it.
 *
 * @throws FtpxError NO_SUCH_PATH, NOT_A_DIRECTORY
 */
export async function demandDirectory(reach: Reach, path: VirtualPath): Promise<void> {
  const kind = await findKind(reach, path);
  if (kind === "missing") throw new FtpxError("NO_SUCH_PATH", { path });
  if (kind !== "directory" && kind !== "hidden") throw new FtpxError("NOT_A_DIRECTORY", { path });
}

/** What a path on the server is, `missing`, or `hidden` when this account may not look. */
async function findKind({ remote, signal }: Reach, path: VirtualPath) {
  try {
    const { kind } = await remote.call("stat", { path }, signal);
    return kind;
  } catch (error) {
    if (isKind(error, "NO_SUCH_PATH")) return "missing";
    if (isKind(error, "FORBIDDEN")) return "hidden";
    throw await blaming(remote, path, error);
  }
}

/**
 * Where things go that are moved or copied to a place on the server: into it when it is a
 * directory, else under its own name, which only one of them can have.
 *
 * @param isMade whether one thing alone may become the directory that is missing
 * @returns what a thing with a name of its own is called there
 * @throws FtpxError NO_SUCH_PATH, NOT_A_DIRECTORY; for names NAME_TOO_LONG, BAD_PATH
 */
export async function destinationOf(
  stage: Stage,
  spot: Spot,
  count: number,
  isMade = false,
): Promise<(leaf: string) => VirtualPath> {
  const { path, shown } = spot;
  const kind = await findKind(stage, path).catch((error: unknown) => {
    throw failureAt(error, shown);
  });
  if (isMade && kind === "missing" && count === 1) return () => path;
  const mustBeDirectory = spot.isDirectory || count > 1;
  if (mustBeDirectory && kind === "missing") {
    throw new FtpxError("NO_SUCH_PATH", { path: shown }, { hint: HINT_PARENTS });
  }
  if (kind === "directory" || (mustBeDirectory && kind === "hidden")) {
    return (leaf) => resolvePath(path, `./${leaf}`);
  }
  if (mustBeDirectory) throw new FtpxError("NOT_A_DIRECTORY", { path: shown });
  return () => path;
}
