/**
 * What a sync puts together beside something of another kind, to take its place: by the names
 * that `stagedBeside` of partnames.ts gives. A sync that is cut off leaves it for the next one.
 */
import type { TreeEntry, TreeFilter } from "./foliage.ts";
import { stagedBeside } from "./partnames.ts";
import type { Plan } from "./plan.ts";

const END = ".ftpx-new";

export function isSuccessorName(name: string): boolean {
  return name.startsWith(".") && name.endsWith(END) && name.length > END.length + 1;
}

/**
 * Of what is to be deleted what may be. A successor that no sync ever used goes like anything
 * else that the source has not: but not one that this sync uses, nor that of a name which is
 * left out.
 */
export function withoutSuccessors(
  { deleted, replacing }: Plan,
  isWanted: TreeFilter | undefined,
): TreeEntry[] {
  const live = new Set([...replacing].map(stagedBeside));
  return deleted.filter(({ relative, kind }) => {
    const names = relative.split("/");
    const at = names.findIndex(isSuccessorName);
    if (at < 0) return true;
    const staged = names.slice(0, at + 1).join("/");
    const isDirectory = at < names.length - 1 || kind === "directory";
    return !live.has(staged) && isWanted?.(placeOf(staged), isDirectory) !== false;
  });
}

/** What it was to become, as far as its name tells: long ones are cut. */
function placeOf(staged: string): string {
  const above = staged.slice(0, staged.lastIndexOf("/") + 1);
  return above + staged.slice(above.length + 1, -END.length);
}
