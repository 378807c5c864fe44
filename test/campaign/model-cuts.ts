/**
 * Uploads that do not go the straight way: opened, sent up to any byte, then closed, cut off,
 * discarded, committed too early or with a wrong digest; a path that somebody else is
 * uploading to; a commit whose answer is lost.
 *
 * These speak the protocol themselves, so they can stop where the client's own code never
 * would. What the server holds afterwards is known exactly, but for a line that was cut.
 */
import { CHUNK_BYTES, TAKEOVER_AFTER_MS } from "../../src/base/limits.ts";
import type { Client } from "../../src/client/client.ts";
import type { CopyMemory } from "../../src/client/copy.ts";
import { textOfHeard } from "./model-belief.ts";
import type { Belief } from "./model-belief.ts";
import { Difference, hear, isUnheard } from "./model-ground.ts";
import type { Ground, Heard } from "./model-ground.ts";
import { endings, explore } from "./model-orders.ts";
import { openFacts, RawUpload } from "./model-raw.ts";
import { digestText, proofsOf } from "./model-sources.ts";
import { end } from "./model-stages.ts";
import type { Result, Stage } from "./model-stages.ts";
import { put } from "./model-tasks.ts";
import type { Operation } from "./model-tasks.ts";
import { commit, keptChunks, openUpload, release, upload, uploadAgain } from "./model-uploads.ts";
import type { Wish } from "./model-uploads.ts";
import { exactly, withoutClaim, withPart } from "./model-world.ts";
import type { Part, World } from "./model-world.ts";

export interface CutPlan {
  readonly ending: "close" | "line" | "discard" | "commit" | "wrong digest";
  /** How much of what is missing is sent, in thousandths. */
  readonly share: number;
  /** The proof of the last chunk never comes. */
  readonly leavesProof: boolean;
  /** Goes away before it has said which of the held chunks stay. */
  readonly leavesRewind: boolean;
  /** Commits while somebody else does something, and not behind that. */
  readonly isAtOnce: boolean;
}

/** Who uploads, over which connection, and who keeps account. */
export interface Uploader {
  readonly belief: Belief;
  readonly ground: Ground;
  readonly user: string;
  readonly client: Client;
}

/** So large that no quota has room for it. */
const NEVER_FITS_BYTES = 2 ** 52;

/** Opens an upload and narrows down what was held to what the server says. */
async function openRaw(belief: Belief, user: string, raw: RawUpload): Promise<Heard> {
  const { wish } = raw;
  const heard = await raw.open();
  const stage = openUpload(wish, (world, part, isSame) => {
    const held = part.chunks.min;
    const chunks = proofsOf(part.content, part.algorithm).chunks;
    const facts = openFacts(held, isSame, held > 0 ? chunks.slice(held - 1, held) : []);
    return end(world, "done", facts, part.bytes);
  });
  belief.hear(user, endings(belief.of(user), [stage]), [heard]);
  if (heard.kind === "done") {
    belief.change(user, (world) => withHeld(world, wish.path, { bytes: exactly(heard.resumedAt) }));
  }
  return heard;
}

/** An upload up to some byte and then one of the endings. @returns what its client heard */
export async function cut(on: Uploader, wish: Wish, wanted: CutPlan): Promise<string> {
  const { belief, user, client } = on;
  const raw = new RawUpload(client, wish);
  const opened = await openRaw(belief, user, raw);
  if (opened.kind !== "done") return textOfHeard(opened);
  const plan = planFor(belief, user, wish, wanted);
  const sent = await sendShare(belief, user, raw, plan);
  const heard = await finish(on, raw, sent, plan);
  return `sent ${sent.fromBytes} to ${sent.toBytes}: ${heard}`;
}

/** A second session does something while a first one has an upload open, or commits it. */
export async function meet(
  on: Uploader,
  second: Client,
  wish: Wish,
  wanted: CutPlan,
  operation: Operation,
): Promise<void> {
  const { belief, user, client } = on;
  const beganMs = performance.now();
  const raw = new RawUpload(client, wish);
  const opened = await openRaw(belief, user, raw);
  const plan = planFor(belief, user, wish, wanted);
  const sent = opened.kind === "done" ? await sendShare(belief, user, raw, plan) : undefined;
  const stages = [operation.stage];
  const running = [operation.run(second)];
  if (sent !== undefined && plan.ending === "commit" && plan.isAtOnce) {
    stages.push(committing(belief, user, wish, sent, false));
    running.push(raw.commit(false));
  }
  const heard = await Promise.all(running);
  belief.note(`  ${operation.text}: ${heard.map(textOfHeard).join(" & ")}`);
  // Later than that it may take the path over, and the first one's upload is over.
  if (performance.now() - beganMs > TAKEOVER_AFTER_MS) throw new TooSlow();
  belief.hear(user, endings(belief.of(user), stages), heard);
  if (sent !== undefined && running.length === 1) {
    belief.note(`  ${await finish(on, raw, sent, plan)}`);
  }
}

/** What is held may be a mixture, and nobody can say how an upload of that goes on. */
function planFor(belief: Belief, user: string, { path }: Wish, plan: CutPlan): CutPlan {
  const isMixed = belief.of(user).some(({ parts }) => parts.get(path)?.isMixed === true);
  return isMixed ? { ...plan, share: 0, leavesProof: true, ending: "discard" } : plan;
}

/** The machine stood still: nothing can be said of what follows. */
export class TooSlow extends Error {}

async function finish(on: Uploader, raw: RawUpload, sent: Sent, plan: CutPlan): Promise<string> {
  const { belief, user } = on;
  const { ending } = plan;
  const { path } = raw.wish;
  if (ending === "line") {
    await loseLine(on, raw, sent);
  } else if (ending === "close" || ending === "discard") {
    await raw.close(ending === "discard");
    belief.change(user, (world) => {
      const kept = ending === "close" ? world : withPart(world, path, undefined);
      return withoutClaim(kept, path);
    });
  } else {
    const isWrong = ending === "wrong digest";
    const stage = committing(belief, user, raw.wish, sent, isWrong);
    const heard = await raw.commit(isWrong);
    belief.hear(user, endings(belief.of(user), [stage]), [heard]);
    return `${ending}: ${textOfHeard(heard)}`;
  }
  return ending;
}

/** What had come in when the server noticed is between what it told of and what was sent. */
async function loseLine({ belief, ground, user, client }: Uploader, raw: RawUpload, sent: Sent) {
  const { wish, acknowledgedBytes } = raw;
  client.connection.terminate();
  await demandFree(ground, user, wish);
  belief.change(user, (world) => {
    const chunks = { min: sent.heldChunks, max: sent.provedChunks };
    const bytes = { min: Math.max(sent.fromBytes, acknowledgedBytes), max: sent.toBytes };
    return withoutClaim(withHeld(world, wish.path, { chunks, bytes }), wish.path);
  });
}

interface Sent {
  readonly heldChunks: number;
  readonly provedChunks: number;
  readonly fromBytes: number;
  readonly toBytes: number;
}

async function sendShare(belief: Belief, user: string, raw: RawUpload, plan: CutPlan) {
  const { wish } = raw;
  const part = belief.someOf(user).parts.get(wish.path);
  const { storedBytes = 0, chunkCount = 0, isSameSource = true } = raw.opened ?? {};
  if (part === undefined) throw new Error("the model lost an upload");
  let sent: Sent = {
    heldChunks: chunkCount,
    provedChunks: chunkCount,
    fromBytes: storedBytes,
    toBytes: storedBytes,
  };
  const wantsRewind = !isSameSource && chunkCount > 0;
  if (wantsRewind && plan.leavesRewind) return sent;
  let { mark } = part;
  if (wantsRewind) {
    const kept = keptChunks(part, wish.source);
    await raw.rewind(part, kept);
    const keptBytes = kept * CHUNK_BYTES;
    sent = { heldChunks: kept, provedChunks: kept, fromBytes: keptBytes, toBytes: keptBytes };
    ({ mark } = wish.source);
  }
  const { fromBytes, heldChunks } = sent;
  const endBytes = Math.max(fromBytes, Math.min(wish.declaredBytes, wish.source.bytes));
  const toBytes = fromBytes + Math.round(((endBytes - fromBytes) * plan.share) / 1000);
  const provedChunks = await raw.send(heldChunks, fromBytes, toBytes, plan.leavesProof);
  const held = { chunks: exactly(provedChunks), bytes: exactly(toBytes) };
  const taken = { content: wish.source, mark, ...held };
  belief.change(user, (world) => withHeld(world, wish.path, taken));
  return { ...sent, provedChunks, toBytes };
}

/** What a commit comes to: it may be too early, or not the digest of what is there. */
function committing(belief: Belief, user: string, wish: Wish, sent: Sent, isWrong: boolean): Stage {
  const { path, source, declaredBytes, algorithm } = wish;
  const part = belief.someOf(user).parts.get(path);
  // Without a rewind what is held may be another source's.
  const isOwn = part !== undefined && keptChunks(part, source) === part.chunks.min;
  const isTrue = declaredBytes === source.bytes && !isWrong && isOwn;
  const isWhole = sent.toBytes === declaredBytes;
  const facts = digestText(source, algorithm);
  if (isWhole && isTrue) return commit(wish, { kind: "done", facts, resumed: exactly(0) });
  const refuse = (world: World, kind: Result["kind"]) => [
    { world, next: release(path, { kind, facts: "", resumed: exactly(0) }) },
  ];
  if (!isWhole) return (world) => refuse(world, "SIZE_MISMATCH");
  const heldBytes = sent.heldChunks * CHUNK_BYTES;
  const isLast = declaredBytes <= heldBytes + CHUNK_BYTES;
  if (!isLast || sent.fromBytes === heldBytes) {
    return (world) => refuse(withPart(world, path, undefined), "DIGEST_MISMATCH");
  }
  // It may be the tail that an earlier session left: that is sent again.
  return (world) => refuse(withHeld(world, path, { bytes: exactly(heldBytes) }), "CHUNK_DAMAGED");
}

/** Waits until the server has noticed that a client is gone, and changes nothing. */
async function demandFree(ground: Ground, user: string, wish: Wish): Promise<void> {
  const client = await ground.client(user);
  const beganMs = performance.now();
  const asked = { ...wish, declaredBytes: NEVER_FITS_BYTES, isFresh: false, mayReplace: true };
  for (;;) {
    const { kind } = await new RawUpload(client, asked).open();
    if (kind === "done") throw new Difference("2^52 bytes fit into a quota");
    // Where nothing can be put there, nothing was begun there either.
    if (kind !== "UPLOAD_BUSY") return;
    if (performance.now() - beganMs > TAKEOVER_AFTER_MS / 2) {
      throw new Difference("the server has not noticed that a client is gone");
    }
    await Bun.sleep(5);
  }
}

/** A put whose line is cut as it asks to commit; then the same put again, as a client does. */
export async function loseCommit(
  { belief, ground, user, client }: Uploader,
  wish: Wish,
  delayMs: number,
): Promise<string> {
  const memory: CopyMemory = {};
  const heard = await putAndCut(client, wish, memory, delayMs);
  const isLost = isUnheard(heard);
  if (isLost) await demandFree(ground, user, wish);
  const possible = explore(belief.of(user), [upload(wish)])
    .filter(({ world, results }) => (isLost ? !isPublishing(world) : results[0] !== undefined))
    .map(({ world, results }) => ({ results, world: withoutClaim(world, wish.path) }));
  belief.hear(user, possible, [heard]);
  if (!isLost) return textOfHeard(heard);
  const again = await hear("the put again", put(await ground.client(user, 1), wish, memory));
  belief.hear(user, endings(belief.of(user), [uploadAgain(wish)]), [again]);
  return `${textOfHeard(heard)}, again: ${textOfHeard(again)}`;
}

async function putAndCut(client: Client, wish: Wish, memory: CopyMemory, delayMs: number) {
  const call = client.call.bind(client) as (name: string, request: unknown) => Promise<unknown>;
  const cutting = Promise.withResolvers<void>();
  const cutLine = () => {
    client.connection.terminate();
    cutting.resolve();
  };
  const callAndCut = (name: string, request: unknown) => {
    const answer = call(name, request);
    if (name === "commit") setTimeout(cutLine, delayMs);
    return answer;
  };
  client.call = callAndCut as Client["call"];
  const heard = await hear("a put that is cut", put(client, wish, memory));
  if (memory.commit !== undefined) await cutting.promise;
  client.call = call as Client["call"];
  return heard;
}

function isPublishing({ parts }: World): boolean {
  return [...parts.values()].some(({ isPublished }) => isPublished);
}

function withHeld(world: World, path: string, held: Partial<Part>): World {
  const part = world.parts.get(path);
  if (part === undefined) throw new Error(`the model lost the upload to ${path}`);
  return withPart(world, path, { ...part, ...held });
}
