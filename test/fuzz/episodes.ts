/**
 * What sessions do, as short plays: each is right when nothing spoils it, and is cut short now and
 * then. Which of them come after one another is drawn in sessions.ts.
 */
import { TABLE } from "../../src/commands/table.ts";
import type { CommandName } from "../../src/commands/table.ts";
import type { Actor } from "./actor.ts";
import type { OpenUpload } from "./memory.ts";
import type { Answer } from "./peer.ts";

export type Episode = (actor: Actor) => Promise<void>;

const NAMES = Object.keys(TABLE) as [CommandName, ...CommandName[]];
const OPERATORS = NAMES.filter((name) => TABLE[name].needs === "admin" && name !== "drain");
const ORDINARY = NAMES.filter((name) => TABLE[name].needs !== "admin");
/** Short enough that few frames are sent in vain, long enough for several windows of ours. */
const PIECE_BYTES = [1, 100, 4096, 65_536, 524_288] as const;
const SETTLED: Answer = { outcome: "closed" };

async function upload(actor: Actor): Promise<void> {
  const open = await openUpload(actor, actor.chance.percent(30));
  if (open !== undefined) await feed(actor, open);
}

/** What was left half, gone on with. */
async function resume(actor: Actor): Promise<void> {
  const { memory, chance } = actor;
  const path = memory.path();
  const content = memory.content();
  const fields = { path, totalBytes: content.bytes.byteLength, source: content.digest };
  const first = await openUpload(actor, true, { ...fields, isFresh: true }, content);
  if (first === undefined) return;
  actor.content(first, Math.ceil(content.bytes.byteLength / 2));
  await actor.call("closeTransfer", { transfer: first.id, isDiscarded: false });
  const again = await openUpload(actor, false, { ...fields, isFresh: false }, content);
  if (again === undefined) return;
  void actor.ask("partDigests", { transfer: again.id, firstChunk: 0, count: 1 });
  if (chance.percent(50)) {
    await actor.call("rewind", { transfer: again.id, chunkCount: 0, source: content.digest });
    again.offset = 0;
  }
  await feed(actor, again);
}

/** @param isEager sends on without the reply */
async function openUpload(
  actor: Actor,
  isEager: boolean,
  wanted: Record<string, unknown> = {},
  content = actor.memory.content(),
): Promise<OpenUpload | undefined> {
  const { memory } = actor;
  const totalBytes = content.bytes.byteLength;
  const facts = { totalBytes, modifiedMs: 1_700_000_000_000, source: content.digest };
  // Mostly such that it is taken, because what comes behind it is of interest, too.
  const manner = actor.chance.percent(70) ? { isFresh: true, mayReplace: true } : {};
  const asked = { ...facts, algorithm: "sha256", ...manner, ...wanted };
  const answer = actor.ask("openUpload", asked);
  const open: OpenUpload = { id: memory.lastId, content, offset: 0 };
  memory.transfers.push(open.id);
  memory.uploads.push(open);
  if (isEager) return open;
  const reply = await actor.inTime(answer, "openUpload");
  if (reply.outcome !== "reply") return undefined;
  open.offset = Number(reply.value["storedBytes"]);
  return open;
}

async function feed(actor: Actor, open: OpenUpload): Promise<void> {
  const { chance } = actor;
  const { bytes, digest } = open.content;
  const pieceBytes = chance.pick(PIECE_BYTES);
  for (let pieces = 0; open.offset < bytes.byteLength && pieces < 10; pieces += 1) {
    actor.content(open, pieceBytes);
    if (chance.percent(10)) actor.notice("proof", open.id, { index: 0, digest });
  }
  if (chance.percent(70)) actor.content(open, bytes.byteLength);
  const facts = { transfer: open.id, totalBytes: bytes.byteLength, digest, chunks: 1 };
  if (chance.percent(80)) await actor.call("commit", facts);
  else if (chance.percent(50)) await actor.call("closeTransfer", { transfer: open.id });
}

async function download(actor: Actor): Promise<void> {
  const { chance, memory, peer } = actor;
  const stat = await actor.call("stat");
  if (stat.outcome === "reply") memory.versions.push(String(stat.value["version"]));
  const version = chance.percent(50) ? memory.valueFor("version") : undefined;
  const answer = actor.ask("openDownload", { fromOffset: 0, version });
  const id = memory.lastId;
  memory.transfers.push(id);
  if ((await actor.inTime(answer, "openDownload")).outcome !== "reply") return;
  for (let acks = chance.below(4); acks > 0 && !peer.isGone; acks -= 1) {
    actor.notice("ack", id, { offset: chance.below(100_000) });
  }
  if (chance.percent(50)) await actor.call("closeTransfer", { transfer: id });
}

/** One of the directories has more than a page; not all of them are read to their end. */
async function browse(actor: Actor): Promise<void> {
  const { chance, memory } = actor;
  const fields = chance.percent(60) ? { path: memory.own("/many") } : {};
  for (let pages = chance.between(1, 4); pages > 0; pages -= 1) {
    const reply = await actor.call(
      "list",
      memory.cursors.length > 1 ? fields : { ...fields, cursor: 0 },
    );
    if (reply.outcome === "reply") memory.cursors.push(Number(reply.value["cursor"]));
  }
}

/** A directory that is made, moved and removed while others look. */
async function change(actor: Actor): Promise<void> {
  const { memory } = actor;
  const [from, to] = [memory.path(), memory.path()];
  await actor.call("makeDir", { path: memory.own("/d/e/f"), withParents: true });
  void actor.ask("copy", { from, to });
  void actor.ask("sync", { path: from });
  await actor.call("move", { from, to });
  await actor.call(actor.chance.pick(["remove", "removeDir", "dropUpload", "digest"]), {
    path: to,
  });
}

/** A change of password that proves nothing. */
async function renew(actor: Actor): Promise<void> {
  await actor.call("passwordFirst");
  await actor.call("passwordFinal", { proof: actor.chance.bytes(32) });
}

/** Many at once, more than are taken. */
async function flood(actor: Actor): Promise<void> {
  const { chance } = actor;
  let last: Promise<Answer> = Promise.resolve(SETTLED);
  for (let requests = chance.between(20, 300); requests > 0; requests -= 1) {
    last = actor.ask(chance.pick(["stat", "quota", "list", "openDownload", "uploads"]));
  }
  await actor.inTime(last, "the last of many");
}

/** Any row, whether it is its time or not. */
async function any(actor: Actor): Promise<void> {
  const { chance } = actor;
  const names = chance.percent(20) ? OPERATORS : ORDINARY;
  const [name = "quota"] = names.slice(chance.below(names.length));
  const answer = actor.ask(name);
  if (chance.percent(50)) await actor.inTime(answer, name);
}

async function operate(actor: Actor): Promise<void> {
  const { chance, memory } = actor;
  const [name = "usages"] = OPERATORS.slice(chance.below(OPERATORS.length));
  const answer = await actor.call(name, { user: memory.anyUser(), session: chance.below(1000) });
  if (answer.outcome === "reply" && answer.value["code"] instanceof Uint8Array) {
    await actor.call("revokeInvite", { number: answer.value["number"] });
  }
}

async function stray(actor: Actor): Promise<void> {
  actor.stray();
}

async function contentFromNowhere(actor: Actor): Promise<void> {
  const { memory } = actor;
  const id = actor.chance.pick([memory.lastId, memory.lastId + 1, 0, 1]);
  actor.content({ id, content: memory.content(), offset: 0 }, 4096);
}

async function noticeFromNowhere(actor: Actor): Promise<void> {
  const id = actor.chance.pick([actor.memory.lastId, actor.memory.lastId + 1, 0, 1]);
  actor.notice(actor.chance.pick(["ack", "proof", "end"]), id);
}

async function password(actor: Actor): Promise<void> {
  const { chance, memory } = actor;
  const nonce = "x".repeat(chance.pick([0, 1, 15, 16, 24, 128, 129, 900]));
  const header = chance.pick(["p=tls-exporter,,", "n,,", "y,,", "p=tls-unique,,", ""]);
  const name = chance.pick([memory.anyUser(), "nobody", "__proto__", "constructor", "", "a=2Cb"]);
  const first = await actor.call("scramFirst", { message: `${header}n=${name},r=${nonce}` });
  const said = first.outcome === "reply" ? String(first.value["message"]) : "r=x";
  const [joined = "r=x"] = said.split(",");
  const proof = Buffer.from(chance.bytes(chance.pick([0, 31, 32, 33]))).toString("base64");
  await actor.call("scramFinal", { message: `c=biws,${joined},p=${proof}` });
}

async function wrongKey(actor: Actor): Promise<void> {
  const { chance, memory } = actor;
  const publicKey = chance.bytes(chance.pick([0, 31, 32, 33]));
  await actor.call("keyFirst", { user: memory.anyUser(), publicKey });
  await actor.call("keyFinal", { signature: chance.bytes(chance.pick([0, 63, 64, 65])) });
}

async function apply(actor: Actor): Promise<void> {
  const user = actor.chance.pick(["f-one", "new", "a.b", "__proto__", 'a"]\n[users.root]', ""]);
  await actor.call("register", { user, verifier: "argon2id-scram-sha256$m=1,t=1,p=1$$$" });
  await actor.call("awaitRegistration");
}

/** Before the greeting everything is wrong but one. */
export const SILENT_EPISODES: readonly [Episode, ...Episode[]] = [any, stray, noticeFromNowhere];

export const STRANGERS_EPISODES: readonly [Episode, ...Episode[]] = [
  any,
  any,
  stray,
  contentFromNowhere,
  password,
  wrongKey,
  apply,
];

export const USERS_EPISODES: readonly [Episode, ...Episode[]] = [
  upload,
  upload,
  upload,
  resume,
  download,
  download,
  browse,
  change,
  renew,
  flood,
  any,
  any,
  stray,
  contentFromNowhere,
  noticeFromNowhere,
];

export const OPERATORS_EPISODES: readonly [Episode, ...Episode[]] = [operate, operate, any, stray];
