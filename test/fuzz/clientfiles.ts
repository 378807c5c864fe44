/**
 * Trials of the client's own files (texts.ts), which people edit: bookmarks, known servers,
 * tickets. What is read is a value or a refusal that says where; what is written keeps the rest.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addBookmark, readBookmarks, removeBookmark } from "../../src/client/bookmarks.ts";
import { Tickets } from "../../src/client/tickets.ts";
import { Trust } from "../../src/client/trust.ts";
import type { Chance } from "../support/chance.ts";
import { answerOf, answerSoon, demandEqual } from "./refused.ts";
import { spoiledText } from "./wording.ts";

const FINGERPRINT = `sha256:${"A".repeat(43)}`;
const OTHER = `sha256:${"B".repeat(42)}A`;

const BOOKMARKS = `# mine
work ftpx://ann@files.example.org:9999/backup#${FINGERPRINT}

  home  bob@[::1]:1/x
work localhost
`;

const SERVERS = `# met
files.example.org:9999 ${FINGERPRINT}

[::1]:1   ${OTHER}
`;

export const CLIENT_TRIALS = { bookmarks, servers, tickets };

async function bookmarks(chance: Chance, scratch: string): Promise<void> {
  const before = process.env["FTPX_HOME"];
  process.env["FTPX_HOME"] = scratch;
  try {
    await tryBookmarks(chance, join(scratch, "bookmarks"));
  } finally {
    if (before === undefined) delete process.env["FTPX_HOME"];
    else process.env["FTPX_HOME"] = before;
  }
}

async function tryBookmarks(chance: Chance, file: string): Promise<void> {
  const text = writtenText(BOOKMARKS, chance, file);
  const known = answerOf(["BAD_CONFIG"], readBookmarks);
  const name = chance.pick(["work", "home", "new"]);
  const target = chance.pick(["h/x", "ftpx://h:1/a%20b", "ann@h"]);
  await answerSoon(["BAD_CONFIG"], () => addBookmark(name, target));
  const added = readFileSync(file, "utf8");
  if (known === undefined) {
    demandEqual(added, text, "a file with a mistake");
    return;
  }
  const found = readBookmarks().findLast((one) => one.name === name);
  demandEqual(found, { name, target }, "a bookmark that was added");
  const others = (all: typeof known) => all.filter((one) => one.name !== name);
  demandEqual(others(readBookmarks()), others(known), "other bookmarks");
  const isKept = (one: string) => added.split("\n").includes(one);
  const notes = text.split("\n").filter((one) => one.trim() === "" || one.startsWith("#"));
  if (!notes.every(isKept)) throw new Error("a note is gone");
  await removeBookmark(name);
  demandEqual(readBookmarks(), others(known), "a removal");
}

async function servers(chance: Chance, scratch: string): Promise<void> {
  const trust = new Trust(scratch);
  const text = writtenText(SERVERS, chance, trust.file);
  const server = chance.pick(["files.example.org:9999", "[::1]:1", "new:1"]);
  const find = (name: string) => answerSoon(["BAD_CONFIG"], () => trust.find(name));
  const other = await find("[::1]:1");
  let isPinned = false;
  await answerSoon(["BAD_CONFIG"], async () => {
    await trust.pin(server, OTHER);
    isPinned = true;
  });
  const now = readFileSync(trust.file, "utf8");
  if (!now.startsWith(text) || (!isPinned && now !== text)) throw new Error("lines have changed");
  if (isPinned) demandEqual(await find(server), OTHER, "a pin");
  if (isPinned && server !== "[::1]:1") demandEqual(await find("[::1]:1"), other, "another pin");
}

async function tickets(chance: Chance, scratch: string): Promise<void> {
  const directory = join(scratch, "registrations");
  mkdirSync(directory, { recursive: true });
  const kept = new Tickets(scratch);
  const ticket = chance.bytes(16);
  await kept.keep("h:1", "ann", ticket);
  demandEqual(await kept.find("h:1", "ann"), ticket, "a ticket");
  const [name = ""] = readdirSync(directory);
  const file = join(directory, name);
  writeFileSync(file, spoiledText(readFileSync(file, "utf8"), chance));
  const found = await kept.find("h:1", "ann");
  if (found !== undefined && found.byteLength !== 16) throw new Error("half a ticket");
  rmSync(directory, { recursive: true });
}

/** Half of the files are as they should be. @returns what a reader finds */
function writtenText(valid: string, chance: Chance, file: string): string {
  writeFileSync(file, chance.percent(50) ? valid : spoiledText(valid, chance));
  return readFileSync(file, "utf8");
}
