/**
 * I2: texts of strangers and of the operator in the state database: what is said with a request
 * for an account, and with its refusal. Each is read back as it was, and no other row changes.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NOTE_BYTES_MAX } from "../../src/base/limits.ts";
import { openState } from "../../src/state/state.ts";
import type { RegistrationIntent } from "../../src/state/contract.ts";
import { Chance } from "../support/chance.ts";
import { demandEqual } from "./refused.ts";
import { wildText } from "./wording.ts";

/** @returns how many @throws Error with the seed of what was wrong */
export async function fuzzNotes(seed: number, count: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "ftpx-fuzz-"));
  const state = await openState(join(folder, "state.sqlite"));
  try {
    const witness = intentOf(new Chance(seed - 1), "witness");
    await state.register(witness);
    for (let number = 0; number < count; number += 1) {
      const chance = new Chance(seed + number);
      const intent = intentOf(chance, "ann");
      const { row } = await state.register(intent);
      const told = `--seed ${seed + number} --notes 1`;
      demandEqual(row.note, intent.note, told);
      const [first, second] = await state.registrations();
      demandEqual([first?.note, second?.note], [witness.note, intent.note], told);
      const reason = noteOf(chance);
      await state.decide(row.number, "denied", reason);
      demandEqual((await state.registration(intent.ticket))?.reason, reason, told);
    }
    await state.verify();
    return count;
  } finally {
    await state.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function intentOf(chance: Chance, user: string): RegistrationIntent {
  const ticket = chance.bytes(32);
  const address = `10.${chance.below(256)}.${chance.below(256)}.1`;
  const verifier = noteOf(chance);
  const note = noteOf(chance);
  return { ticket, user, verifier, note, address, source: address, invite: undefined, nowMs: 1 };
}

/** As the wire lets it through. */
function noteOf(chance: Chance): string {
  const text = wildText(chance, 12).toWellFormed();
  return Buffer.byteLength(text) <= NOTE_BYTES_MAX ? text : "";
}
