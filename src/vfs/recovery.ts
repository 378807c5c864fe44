/**
 * Puts journal, parts and ledger in order when the server starts, before anybody can
 * change anything.
 *
 * An upload that was being published when the last run ended is finished when its
 * part is gone from the parts (the rename was done), and taken back when it is still
 * there. One that has no part, because the crash came before it or power was lost, has
 * nothing to go on with, and nobody goes on with a copy: their reservations are given back.
 * Parts that nothing names are removed.
 */
import type { State, UploadRow } from "../state/contract.ts";
import type { Store } from "../store/store.ts";
import { mend } from "./publishing.ts";

export interface Recovered {
  readonly finished: number;
  readonly takenBack: number;
  readonly discarded: number;
  readonly removedParts: number;
  /** The last run ended properly; else what is counted may be more than there is. */
  readonly wasClean: boolean;
}

/** @throws FtpxError STATE_DAMAGED, before anything was changed */
export async function recover(state: State, store: Store): Promise<Recovered> {
  const { parts } = store;
  const present = new Set(await parts.list());
  const { wasClean } = await state.markStarted();
  // What it says decides which parts are removed.
  if (!wasClean) await state.verify();
  const count = { finished: 0, takenBack: 0, discarded: 0 };
  for (const row of await state.uploads()) {
    const isThere = present.delete(row.id);
    if (row.phase === "publishing") {
      const outcome = await mendIn(store, state, row, isThere);
      count[outcome] += 1;
      if (outcome === "finished") continue;
    }
    if (isThere && !row.isCopy) continue;
    await state.discard(row.id);
    if (isThere) await parts.remove(row.id);
    count.discarded += 1;
  }
  for (const id of present) await parts.remove(id);
  return { ...count, removedParts: present.size, wasClean };
}

async function mendIn(store: Store, state: State, row: UploadRow, isPartThere: boolean) {
  const home = await store.openHome(row.user);
  try {
    return await mend({ state, home }, row, isPartThere);
  } finally {
    await home.close();
  }
}
