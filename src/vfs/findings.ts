/**
 * The invariant, as a program: what is used is what lies in the home, what is reserved is
 * what the uploads declared, every upload of the journal has its part, and every part its
 * upload.
 *
 * It looks while the server runs: a home is compared with no change of it going on, and an
 * upload that a session has open is left alone. Fixing takes nothing from a user: homes are
 * counted, uploads that were published are settled, and what nobody can ever go on with is
 * removed.
 */
import type { Amount, UploadRow } from "../state/contract.ts";
import type { Home } from "../store/store.ts";
import type { Depot } from "./depot.ts";
import { isSameAmount } from "./publishing.ts";

export interface Finding {
  readonly kind: "usage" | "reservation" | "unsettled" | "missing-part" | "orphan-part";
  readonly user: string;
  /** Of the upload; of an orphan its id. */
  readonly path: string;
  /** By the ledger or the journal. */
  readonly expectedBytes: number;
  readonly expectedFiles: number;
  /** By what there is. */
  readonly foundBytes: number;
  readonly foundFiles: number;
  readonly isFixed: boolean;
}

const NOTHING: Amount = { bytes: 0, files: 0 };
const UNCOUNTED = { used: NOTHING, reserved: NOTHING, ofUploads: NOTHING };

/** A part that is being removed, or made, is in order again within this time. */
const SETTLING_MS = 250;

/** To be called with no change of the home going on. */
export async function checkUser(
  depot: Depot,
  home: Home,
  user: string,
  isFixing: boolean,
): Promise<Finding[]> {
  const { state } = depot;
  const findings: Finding[] = [];
  for (const row of await state.uploads(user)) {
    const finding = await checkUpload(depot, home, row, isFixing);
    if (finding !== undefined) findings.push(finding);
  }
  const found = await home.measure();
  // Who never signed in was never counted: whatever lies there was placed by hand.
  const { used, reserved, ofUploads } = (await state.audit(user)) ?? UNCOUNTED;
  if (!isSameAmount(used, found)) findings.push(differing("usage", user, used, found, isFixing));
  if (!isSameAmount(reserved, ofUploads)) {
    findings.push(differing("reservation", user, reserved, ofUploads, isFixing));
  }
  // Sets both, and by now no file is counted that is not settled.
  const isCountWrong = findings.some(({ kind }) => kind === "usage" || kind === "reservation");
  if (isFixing && isCountWrong) await state.recount(user, found);
  return findings;
}

/** Parts that no upload of anybody names. */
export async function checkParts(depot: Depot, isFixing: boolean): Promise<Finding[]> {
  const suspects = await orphans(depot);
  if (suspects.size === 0) return [];
  // An upload that is being dropped loses its row and its part one after the other.
  await Bun.sleep(SETTLING_MS);
  const findings: Finding[] = [];
  for (const id of await orphans(depot)) {
    if (!suspects.has(id)) continue;
    if (isFixing) await depot.store.parts.remove(id);
    const one = { bytes: 0, files: 1 };
    findings.push({ ...differing("orphan-part", "", NOTHING, one, isFixing), path: id });
  }
  return findings;
}

async function orphans({ state, store }: Depot): Promise<Set<string>> {
  const ids = new Set(await store.parts.list());
  for (const { id } of await state.uploads()) ids.delete(id);
  return ids;
}

async function checkUpload(
  depot: Depot,
  home: Home,
  row: UploadRow,
  isFixing: boolean,
): Promise<Finding | undefined> {
  let finding: Finding | undefined;
  await depot.unheld(row, async (current, isPartThere) => {
    const { user, path, phase, totalBytes } = current;
    if (phase === "receiving" && isPartThere) return;
    const declared = { bytes: totalBytes, files: 1 };
    const kind = phase === "publishing" ? "unsettled" : "missing-part";
    finding = { ...differing(kind, user, declared, NOTHING, isFixing), path };
    if (isFixing) await depot.mendUnheld(home, current, isPartThere);
  });
  return finding;
}

function differing(
  kind: Finding["kind"],
  user: string,
  expected: Amount,
  found: Amount,
  isFixed: boolean,
): Finding {
  return {
    kind,
    user,
    path: "",
    expectedBytes: expected.bytes,
    expectedFiles: expected.files,
    foundBytes: found.bytes,
    foundFiles: found.files,
    isFixed,
  };
}
