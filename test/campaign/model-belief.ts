/**
 * What the campaign believes of all users at one moment: for each the worlds that are
 * possible after all that was heard and seen. Whatever is heard or seen rules worlds out;
 * when none is left, the server and the model differ.
 */
import { CHUNK_BYTES } from "../../src/base/limits.ts";
import { Difference, isUnheard, LIMITS, USERS } from "./model-ground.ts";
import type { Heard, Seen, SeenUpload } from "./model-ground.ts";
import type { Possible } from "./model-orders.ts";
import type { Result } from "./model-stages.ts";
import {
  agree,
  crash,
  emptyWorld,
  exactly,
  keyOf,
  listingOf,
  reservedOf,
  sumOf,
  textOfNode,
  textOfPart,
} from "./model-world.ts";
import type { Amount, Part, Tree, World } from "./model-world.ts";

/** Shown when nothing fits; more of them help nobody. */
const SHOWN_MAX = 4;

export class Belief {
  readonly #worlds = new Map<string, readonly World[]>();
  /** What was done and heard, a line each. */
  readonly log: string[] = [];
  /** Uploads that went on behind what was held. */
  resumedCount = 0;

  constructor() {
    for (const [user, limit] of Object.entries(LIMITS)) this.#worlds.set(user, [emptyWorld(limit)]);
  }

  of(user: string): readonly World[] {
    return this.#worlds.get(user) ?? [];
  }

  /** One of the possible worlds, to choose from what is there. */
  someOf(user: string): World {
    const [world] = this.of(user);
    if (world === undefined) throw new Error(`no world of ${user}`);
    return world;
  }

  note(line: string): void {
    this.log.push(line);
  }

  set(user: string, worlds: readonly World[]): void {
    this.#worlds.set(user, distinct(worlds));
  }

  change(user: string, change: (world: World) => World): void {
    this.set(user, this.of(user).map(change));
  }

  /** Keeps the worlds in which every client hears what it heard. */
  hear(user: string, possible: readonly Possible[], heard: readonly Heard[]): void {
    const fitting = possible.filter(({ results }) =>
      heard.every((one, index) => isUnheard(one) || fits(results[index], one)),
    );
    if (fitting.length === 0) throw new Difference(this.#unexpected(possible, heard));
    const worlds = fitting.map(({ world }) => world);
    this.set(user, worlds);
    this.resumedCount += heard.filter(({ resumedAt }) => resumedAt > 0).length;
  }

  /** Keeps the worlds that look like this. */
  see(user: string, seen: Seen): void {
    const worlds = this.of(user);
    const fitting = worlds.filter((world) => unlike(world, seen).length === 0);
    if (fitting.length === 0) {
      const lines = worlds.slice(0, SHOWN_MAX).map((world) => unlike(world, seen).join(", "));
      throw new Difference(`${user}: seen otherwise:\n  ${lines.join("\n  or ")}`);
    }
    this.set(
      user,
      fitting.map((world) => narrowed(world, seen)),
    );
  }

  /** Keeps the worlds with exactly this on the disk. */
  find(user: string, tree: Tree): void {
    const worlds = this.of(user);
    const fitting = worlds.flatMap((world) => agree(world, tree) ?? []);
    if (fitting.length === 0) {
      const wanted = worlds.slice(0, SHOWN_MAX).map((world) => textOfTree(world.tree));
      const lines = [`found ${textOfTree(tree)}`, ...wanted.map((text) => `not   ${text}`)];
      throw new Difference(`${user}: other files on the disk:\n  ${lines.join("\n  ")}`);
    }
    this.set(user, fitting);
  }

  /** The server was killed and has started again. */
  crash(): void {
    for (const user of USERS) this.change(user, crash);
  }

  /** When nothing is under way the ledger is what the files come to. */
  demandCounted(): void {
    for (const user of USERS) {
      for (const world of this.of(user)) {
        if (textOf(world.used) === textOf(sumOf(world.tree))) continue;
        throw new Error(`the model itself miscounts ${user}: ${keyOf(world)}`);
      }
    }
  }

  /** The possible worlds of a user, for somebody who looks for the cause. */
  describe(user: string): string {
    const worlds = this.of(user).slice(0, SHOWN_MAX);
    return worlds.map((world) => `${textOfTree(world.tree)} | ${textOfParts(world)}`).join("\n");
  }

  #unexpected(possible: readonly Possible[], heard: readonly Heard[]): string {
    const wanted = new Set(possible.map(({ results }) => results.map(textOfResult).join(" & ")));
    const lines = [...wanted].slice(0, 3 * SHOWN_MAX).join("\n  or ");
    return `heard ${heard.map(textOfHeard).join(" & ")}, expected\n  ${lines}`;
  }
}

export function textOfHeard({ kind, facts, resumedAt }: Heard): string {
  return `${kind} ${facts}${resumedAt > 0 ? ` from ${resumedAt}` : ""}`.trim();
}

function fits(result: Result | undefined, heard: Heard): boolean {
  if (result === undefined) return false;
  const { kind, facts, resumed } = result;
  if (kind !== heard.kind || facts !== heard.facts) return false;
  return resumed.min <= heard.resumedAt && heard.resumedAt <= resumed.max;
}

function unlike(world: World, seen: Seen): string[] {
  const lines: string[] = [];
  const compare = (what: string, wanted: string, found: string) => {
    if (wanted !== found) lines.push(`${what} is ${found}, not ${wanted}`);
  };
  compare("used", textOf(world.used), textOf(seen.used));
  compare("reserved", textOf(reservedOf(world)), textOf(seen.reserved));
  compare("limit", textOf(world.limit), textOf(seen.limit));
  for (const path of new Set([...world.parts.keys(), ...seen.uploads.keys()])) {
    compare(`upload to ${path}`, ...uploadTexts(world.parts.get(path), seen.uploads.get(path)));
  }
  for (const [directory, listing] of seen.listings) {
    compare(directory, `[${listingOf(world.tree, directory)}]`, `[${listing}]`);
  }
  return lines;
}

/** The same when what is held is within what is possible. */
function uploadTexts(
  part: Part | undefined,
  seen: SeenUpload | undefined,
): readonly [wanted: string, found: string] {
  const found = seen === undefined ? "none" : `${seen.totalBytes} with ${seen.heldBytes}`;
  if (part === undefined) return ["none", found];
  const { declaredBytes, chunks } = part;
  const [least, most] = [chunks.min, chunks.max].map((count) =>
    Math.min(declaredBytes, count * CHUNK_BYTES),
  );
  if (least === undefined || most === undefined) return ["none", found];
  const held = Math.max(least, Math.min(seen?.heldBytes ?? least, most));
  return [`${declaredBytes} with ${held}`, found];
}

/** With as many chunks in the journal as its user was told. */
function narrowed(world: World, seen: Seen): World {
  const parts = [...world.parts].map(([path, part]): [string, Part] => {
    const heldBytes = seen.uploads.get(path)?.heldBytes ?? 0;
    const isOpen = part.chunks.min < part.chunks.max && heldBytes % CHUNK_BYTES === 0;
    return [path, isOpen ? { ...part, chunks: exactly(heldBytes / CHUNK_BYTES) } : part];
  });
  return { ...world, parts: new Map(parts) };
}

function distinct(worlds: readonly World[]): readonly World[] {
  if (worlds.length < 2) return worlds;
  return [...new Map(worlds.map((world) => [keyOf(world), world])).values()];
}

function textOf({ bytes, files }: Amount): string {
  return `${bytes} bytes ${files} files`;
}

function textOfTree(tree: Tree): string {
  const lines = [...tree].map(([path, node]) => `${path} (${textOfNode(node)})`);
  return lines.toSorted().join(", ") || "nothing";
}

function textOfParts({ parts }: World): string {
  return [...parts].map(([path, part]) => `${path}: ${textOfPart(part)}`).join(", ");
}

function textOfResult(result: Result | undefined): string {
  if (result === undefined) return "nothing yet";
  const { kind, facts, resumed } = result;
  const from = resumed.max > 0 ? ` from ${resumed.min}..${resumed.max}` : "";
  return `${kind} ${facts}${from}`.trim();
}
