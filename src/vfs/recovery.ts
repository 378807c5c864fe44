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
import { mendUnheld } from "./publishing.ts";
import type { InHome } from "./publishing.ts";

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
    const outcome = await mendUnheld({ state, parts }, inHomeOf(store, row), row, isThere);
    if (outcome !== undefined) count[outcome] += 1;
  }
  for (const id of present) await parts.remove(id);
  return { ...count, removedParts: present.size, wasClean };
}

function inHomeOf(store: Store, { user }: UploadRow): InHome {
  return async (work) => {
    const home = await store.openHome(user);
    try {
      return await work(home);
    } finally {
      await home.close();
    }
  };
}
