/**
 * Puts journal, parts and ledger in order when the server starts, before anybody can
 * change anything.
 *
 * An upload that was being published when the last run ended is finished when its
 * part is gone from the parts (the rename was done), and taken back when it is still
 * there. Parts that nothing names are removed.
 */
import type { State } from "../state/contract.ts";
import type { Parts } from "../store/store.ts";

export interface Recovered {
  readonly finished: number;
  readonly takenBack: number;
  readonly removedParts: number;
  /** The last run ended properly; else what is counted may be more than there is. */
  readonly wasClean: boolean;
}

export async function recover(state: State, parts: Parts): Promise<Recovered> {
  const present = new Set(await parts.list());
  let finished = 0;
  let takenBack = 0;
  for (const { id, phase } of await state.uploads()) {
    const isThere = present.delete(id);
    if (phase !== "publishing") continue;
    if (isThere) {
      await state.unpublish(id);
      takenBack += 1;
    } else {
      await state.settle(id);
      finished += 1;
    }
  }
  for (const id of present) await parts.remove(id);
  const { wasClean } = await state.markStarted();
  return { finished, takenBack, removedParts: present.size, wasClean };
}
