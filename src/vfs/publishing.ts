/**
 * The last step of an upload: its proved, synced part becomes the file at its path and is
 * counted, in the order `publishing` noted, renamed, directory synced, ledger settled.
 *
 * A crash or a failing disk in between leaves the row in `publishing`. Where the part is
 * then tells which side of the rename it was, so `mend` can finish it or take it back at
 * any later time at which nobody else publishes.
 */
import { FtpxError, isKind } from "../base/errors.ts";
import type { FileFacts } from "../base/openfile.ts";
import { parsePath } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";
import type { Amount, State, UploadRow } from "../state/contract.ts";
import type { Digests } from "../store/digests.ts";
import type { Home, Parts } from "../store/store.ts";
import type { DigestMemory } from "./digestmemory.ts";
import type { Turns } from "./turns.ts";

/** What an upload works on; all of it belongs to others. */
export interface UploadGround {
  readonly state: State;
  readonly parts: Parts;
  readonly home: Home;
  readonly turns: Turns;
  readonly digests: Digests;
  readonly memory: DigestMemory;
  /**
   * By id: what a part was when its last session left it. Another one was changed by somebody
   * else, or by an earlier run of the server.
   */
  readonly known: Map<string, string>;
  /** What is counted may not be what there is: the home is to be counted when there is time. */
  recount(): void;
}

/**
 * In one turn, so that nobody counts the home between the rename and the settlement.
 *
 * @throws FtpxError OUTCOME_UNKNOWN when the part is in its place already; after any other
 *   failure it is still a part: EXISTS, IS_A_DIRECTORY, NO_SUCH_PATH, DISK_FULL, …
 */
export async function publish(
  ground: UploadGround,
  row: UploadRow,
  path: VirtualPath,
  mayReplace: boolean,
): Promise<void> {
  await ground.turns.onPath(path, async () => {
    // It was looked up when the upload was opened.
    const expected = await replacedAt(ground.home.factsNow(path), mayReplace);
    await ground.state.publishing(row.id, expected);
    const replaced = await rename(ground, row, path);
    try {
      await settle(ground, row, path, isSameAmount(replaced, expected) ? undefined : replaced);
    } catch (error) {
      ground.recount();
      throw new FtpxError("OUTCOME_UNKNOWN", {}, { cause: error });
    }
  });
}

/**
 * Brings a row out of `publishing`: forward when its part has left the parts, else back.
 * Only while nobody else can publish it. What counts from then on is on the disk: the crash
 * may have come before the directory's sync.
 */
export async function mend(
  { state, home }: Pick<UploadGround, "state" | "home">,
  row: UploadRow,
  isPartThere: boolean,
): Promise<"takenBack" | "finished"> {
  if (isPartThere) {
    await state.unpublish(row.id);
    return "takenBack";
  }
  await syncParentOf(home, row);
  await state.settle(row.id);
  return "finished";
}

/** What became of an upload that no session holds. */
type Mended = "finished" | "takenBack" | "discarded";

/** Opens the home of an upload for as long as the work takes. */
export type InHome = <Value>(work: (home: Home) => Promise<Value>) => Promise<Value>;

/** Somebody can go on with it: it has its part, and a copy has nobody who would. */
export function isResumable({ phase, isCopy }: UploadRow, isPartThere: boolean): boolean {
  return phase === "receiving" && isPartThere && !isCopy;
}

/**
 * Puts an upload in order that no session holds: out of `publishing` if it is there, and gone
 * if nobody can go on with it then. Under the same condition as `mend`.
 *
 * @returns nothing where it was in order
 */
export async function mendUnheld(
  { state, parts }: Pick<UploadGround, "state" | "parts">,
  inHome: InHome,
  row: UploadRow,
  isPartThere: boolean,
): Promise<Mended | undefined> {
  if (isResumable(row, isPartThere)) return undefined;
  if (row.phase === "publishing") {
    const outcome = await inHome((home) => mend({ state, home }, row, isPartThere));
    if (outcome === "finished" || !row.isCopy) return outcome;
  }
  await state.discard(row.id);
  if (isPartThere) await parts.remove(row.id);
  return "discarded";
}

async function syncParentOf(home: Home, { path }: UploadRow): Promise<void> {
  try {
    await home.syncParent(parsePath(path));
  } catch (error) {
    // Somebody has removed the directory since, and the file with it.
    if (!isKind(error, "NO_SUCH_PATH", "NOT_A_DIRECTORY", "OUTSIDE_HOME")) throw error;
  }
}

async function rename(ground: UploadGround, row: UploadRow, path: VirtualPath): Promise<Amount> {
  const { parts, home } = ground;
  try {
    return await home.publish(row.id, path);
  } catch (error) {
    // Where that fails too, the next upload to the path or the next start does it.
    const mended = await parts
      .has(row.id)
      .then((isThere) => mend(ground, row, isThere))
      .catch(() => ground.recount());
    if (mended === "finished") throw new FtpxError("OUTCOME_UNKNOWN", {}, { cause: error });
    throw error;
  }
}

export function isSameAmount(a: Amount, b: Amount): boolean {
  return a.bytes === b.bytes && a.files === b.files;
}

/** @param corrected what was replaced, when it was not what had been noted */
async function settle(
  ground: UploadGround,
  { id }: UploadRow,
  path: VirtualPath,
  corrected: Amount | undefined,
): Promise<void> {
  const { state, home } = ground;
  // A link of the operator's can give one file two paths, and so two turns.
  if (corrected !== undefined) await state.publishing(id, corrected);
  const [synced] = await Promise.allSettled([home.syncParent(path)]);
  // It is there, whether the disk has confirmed it or not, so it counts.
  if (!(await state.settle(id))) ground.recount();
  if (synced.status === "rejected") throw synced.reason;
}

/** What a file would replace at the place that is looked at. @throws FtpxError EXISTS, IS_A_DIRECTORY */
export async function replacedAt(
  looking: Promise<FileFacts>,
  mayReplace: boolean,
): Promise<Amount> {
  try {
    const { kind, bytes } = await looking;
    if (kind === "directory") throw new FtpxError("IS_A_DIRECTORY");
    if (kind !== "file" || !mayReplace) throw new FtpxError("EXISTS");
    return { bytes, files: 1 };
  } catch (error) {
    if (isKind(error, "NO_SUCH_PATH")) return { bytes: 0, files: 0 };
    throw error;
  }
}
