/** What admission works on, for its tests: a real state and accounts.toml, steps that can fail. */
import { readFileSync } from "node:fs";
import { AccountDirectory } from "../../src/accounts/directory.ts";
import type { ServerEvent } from "../../src/base/events.ts";
import { fakeVerifier, formatVerifier } from "../../src/base/verifier.ts";
import { Admission } from "../../src/sessions/admission.ts";
import type { AdmissionGround, Application } from "../../src/sessions/admission.ts";
import type { RegistrationMode } from "../../src/sessions/admission.ts";
import type { State } from "../../src/state/contract.ts";
import { openState } from "../../src/state/state.ts";
import { Folder } from "../support/folder.ts";

export const NONE = { quotaBytes: undefined, filesMax: undefined, access: undefined };
export const ADDRESS = "192.0.2.1";

/** What can be cut off while an account is made. */
type Step = "add" | "home" | "decide" | "withdraw";

let folder: Folder;
export let state: State;
export let directory: AccountDirectory;
export let events: ServerEvent[];
export let homes: string[];
/** Names of accounts that were removed and have left something. */
export let leftHomes: Set<string>;
/** Steps of making an account that fail, by name. */
export let failing: Map<Step, unknown>;

export async function setUp(): Promise<void> {
  folder = new Folder();
  state = await openState(folder.at("state.db"));
  directory = new AccountDirectory(folder.at("accounts.toml"), async () => async () => {});
  await directory.create();
  [events, homes, failing, leftHomes] = [[], [], new Map(), new Set()];
}

export async function tearDown(): Promise<void> {
  await state.close();
  folder.remove();
}

function stumble(step: Step): void {
  const failure = failing.get(step);
  if (failure !== undefined) throw failure;
}

export function admissionOf(mode: RegistrationMode = "open"): Admission {
  const ground: AdmissionGround = {
    state: {
      ...state,
      decide: async (...decision) => {
        stumble("decide");
        return await state.decide(...decision);
      },
      withdraw: async (number) => {
        stumble("withdraw");
        await state.withdraw(number);
      },
    },
    accounts: () => directory.accounts,
    add: async (user, fields) => {
      stumble("add");
      await directory.add(user, fields);
    },
    set: (user, changes) => directory.set(user, changes),
    makeHome: async (user) => {
      stumble("home");
      homes.push(user);
      return !leftHomes.has(user);
    },
    hasLeft: async (user) => leftHomes.has(user),
    emit: (event) => void events.push(event),
  };
  return new Admission(ground, mode);
}

export function verifierOf(seed: string): string {
  return formatVerifier(fakeVerifier(new Uint8Array(32), seed, []));
}

let lastTicket = 0;

export function application(wish: Partial<Application> = {}): Application {
  const ticket = new Uint8Array(16);
  new DataView(ticket.buffer).setUint32(0, (lastTicket += 1));
  const usual = { user: "ann", verifier: verifierOf("ann"), note: "", ticket, invite: undefined };
  return { ...usual, ...wish };
}

export function accountsText(): string {
  return readFileSync(folder.at("accounts.toml"), "utf8");
}
