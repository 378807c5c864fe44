/**
 * `bun bench/signin.ts [--count N]`: whether the time of a refusal tells which names have accounts
 * (failures.md A1). Kinds of names take turns, each try from an address of its own, as far as
 * throttling lets them; the answer is a Mann-Whitney rank-sum test of each kind against the first
 * of its group. The exit status is 1 when a difference can be seen and is a millisecond or more.
 */
import { appendFile, readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { formatKeyLine } from "../src/base/keyblob.ts";
import { SigningKey } from "../src/base/signature.ts";
import { formatVerifier, fakeVerifier } from "../src/base/verifier.ts";
import type { Client } from "../src/client/client.ts";
import { freshAddress, Scene } from "../test/e2e/binary.ts";
import type { Server } from "../test/e2e/binary.ts";
import { greeted, guess } from "../test/e2e/wire.ts";
import { medianOf } from "./results.ts";

const { values } = parseArgs({ options: { count: { type: "string", default: "2000" } } });
const count = Number(values.count);

/** A name that was tried from elsewhere is delayed; with so many its turn comes after that. */
const NAMES_MAX = 400;
const nameCount = Math.min(count, NAMES_MAX);

const P_MIN = 0.01;
const DIFFERENCE_MS_MAX = 1;

const KEY = new SigningKey(new Uint8Array(32).fill(7));
/** What makes a source shut out: three at once are enough, a fourth where they took a while. */
const FAILURES = 4;

/** Milliseconds from the last message of a sign-in to its refusal. */
async function refusalMs(client: Client, user: string, expected: string): Promise<number> {
  let beganMs = 0;
  const timed = {
    call: async (name: never, request: never) => {
      beganMs = performance.now();
      return await client.call(name, request);
    },
  };
  const kind = await guess(timed as unknown as Client, user);
  const elapsedMs = performance.now() - beganMs;
  client.connection.terminate();
  if (kind !== expected) throw new Error(`${user}: ${kind} instead of ${expected}`);
  return elapsedMs;
}

type Times = Map<string, number[]>;

function note(times: Times, kind: string, ms: number): void {
  times.set(kind, [...(times.get(kind) ?? []), ms]);
}

/** Names of each kind: with an account, without, disabled, with a request that waits. */
async function refusals(server: Server): Promise<Times> {
  const times: Times = new Map();
  for (let round = 0; round < count; round += 1) {
    for (const kind of ["wrong", "unknown", "disabled", "pending"]) {
      const client = await greeted(server, freshAddress());
      note(times, kind, await refusalMs(client, `${kind}${round % nameCount}`, "SIGN_IN_REFUSED"));
    }
  }
  return times;
}

/** The same at sources that are shut out, and where one account is known. */
async function throttled(server: Server): Promise<Times> {
  const times: Times = new Map();
  for (let round = 0; round < count; round += 1) {
    const address = freshAddress();
    const owner = await greeted(server, address);
    await owner.signIn("ann", KEY);
    owner.close();
    for (let failures = 0; failures < FAILURES; failures += 1) {
      const client = await greeted(server, address);
      await guess(client, `spoiler${round}`);
      client.connection.terminate();
    }
    const names = { unknown: "none", real: `wrong${round % nameCount}`, "known there": "ann" };
    for (const [kind, user] of Object.entries(names)) {
      const client = await greeted(server, address);
      note(times, `${kind}, throttled`, await refusalMs(client, user, "THROTTLED"));
    }
  }
  return times;
}

/** Two-sided p of the rank-sum test, by its normal approximation. */
function rankSumP(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((ms) => ({ ms, isA: true })), ...b.map((ms) => ({ ms, isA: false }))];
  all.sort((x, y) => x.ms - y.ms);
  let rankSum = 0;
  for (const [index, { isA }] of all.entries()) if (isA) rankSum += index + 1;
  const u = rankSum - (a.length * (a.length + 1)) / 2;
  const mean = (a.length * b.length) / 2;
  const deviation = Math.sqrt((a.length * b.length * (a.length + b.length + 1)) / 12);
  const z = Math.abs(u - mean) / deviation;
  // Abramowitz and Stegun 26.2.17.
  const t = 1 / (1 + 0.2316419 * z);
  const tail =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return 2 * (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * tail;
}

/** @returns whether no kind can be told from the first */
function report(times: Times): boolean {
  const [[first, base] = ["", []], ...others] = times;
  let isAlike = true;
  for (const [kind, own] of others) {
    const [ownMs, baseMs] = [medianOf(own), medianOf(base)];
    const differenceMs = ownMs - baseMs;
    const p = rankSumP(base, own);
    isAlike &&= p > P_MIN || Math.abs(differenceMs) < DIFFERENCE_MS_MAX;
    console.log(
      `${kind} against ${first}, ${own.length} each: medians ${ownMs.toFixed(4)} and ` +
        `${baseMs.toFixed(4)} ms, apart ${differenceMs.toFixed(4)}, rank-sum p = ${p.toFixed(3)}`,
    );
  }
  return isAlike;
}

async function addAccounts(scene: Scene): Promise<void> {
  await scene.addUser("ann", "right");
  const file = `${scene.data}/accounts.toml`;
  const [, password = ""] = /^(password.*)$/m.exec(await readFile(file, "utf8")) ?? [];
  const tables = [`keys = ["${formatKeyLine(KEY.publicKey, "bench")}"]`];
  for (let index = 0; index < nameCount; index += 1) {
    tables.push(`[users.wrong${index}]`, password);
    tables.push(`[users.disabled${index}]`, password, "disabled = true");
  }
  await appendFile(file, `${tables.join("\n")}\n`);
}

async function addRequests(server: Server): Promise<void> {
  const verifier = formatVerifier(fakeVerifier(new Uint8Array(32), "pending", []));
  for (let index = 0; index < nameCount; index += 1) {
    const client = await greeted(server, freshAddress());
    const ticket = new Uint8Array(16);
    new DataView(ticket.buffer).setUint32(0, index);
    const user = `pending${index}`;
    await client.call("register", { user, verifier, note: "", ticket, invite: undefined });
    client.close();
  }
}

const scene = await Scene.begin();
let isAlike = true;
try {
  await addAccounts(scene);
  const server = await scene.serve();
  await addRequests(server);
  for (const measure of [refusals, throttled]) {
    const isGroupAlike = report(await measure(server));
    isAlike &&= isGroupAlike;
  }
} finally {
  await scene.end();
}
process.exit(isAlike ? 0 : 1);
