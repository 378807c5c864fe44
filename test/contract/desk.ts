/** The state that the contract's tests work on, opened anew for each of them. */
import type { Account, Amount, State, UploadIntent, UploadRow } from "../../src/state/contract.ts";
import { bytes } from "../support/octets.ts";

export interface StatePlace {
  /** Opens what lies there; the one before is closed. */
  open(): Promise<State>;
  remove(): void;
}

export const MIB = 1024 * 1024;
export const ROOM: Amount = { bytes: 100 * MIB, files: 10 };
export const NOTHING: Amount = { bytes: 0, files: 0 };
export const SOURCE = bytes("01 02 03");

let place: StatePlace;
export let state: State;

/** A new place, with a user who has nothing. */
export async function setUp(made: StatePlace): Promise<void> {
  place = made;
  state = await place.open();
  await state.recount("ann", NOTHING);
}

/** Closes what is open, and opens the same place again. */
export async function reopen(): Promise<void> {
  await state.close();
  state = await place.open();
}

export async function tearDown(): Promise<void> {
  await state.close();
  place.remove();
}

export function intent(wish: Partial<UploadIntent> = {}): UploadIntent {
  const usual = {
    user: "ann",
    path: "/f",
    totalBytes: 10 * MIB,
    modifiedMs: 5,
    source: SOURCE,
    algorithm: "sha256",
    isFresh: false,
    limit: ROOM,
  } as const;
  return { ...usual, ...wish };
}

export async function open(wish: Partial<UploadIntent> = {}): Promise<UploadRow> {
  const { row } = await state.openUpload(intent(wish));
  return row;
}

export async function accountOf(user = "ann"): Promise<Account> {
  const account = await state.account(user);
  if (account === undefined) throw new Error(`no account of ${user}`);
  return account;
}

/** Used bytes and files, reserved bytes and files. */
export async function sums(user = "ann"): Promise<number[]> {
  const { used, reserved } = await accountOf(user);
  return [used.bytes, used.files, reserved.bytes, reserved.files];
}

export function digestsOf(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_hole, index) => new Uint8Array(32).fill(index));
}

/** The outcomes of promises by kind, without waiting for one before the next. */
export async function kindsOf(work: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(work);
  return settled.map((outcome) => {
    if (outcome.status === "fulfilled") return "done";
    return (outcome.reason as { kind?: string }).kind ?? "a defect";
  });
}
