import { afterAll, expect, test } from "bun:test";
import fs from "node:fs";
import { FtpxError } from "../../src/base/errors.ts";
import { HOME } from "../../src/base/path.ts";
import type { Client } from "../../src/client/client.ts";
import { Completion, offerOf } from "../../src/cli/completion.ts";
import { VERBS } from "../../src/cli/verbs.ts";
import { cursorOf, splitWords } from "../../src/cli/words.ts";
import { Folder } from "../support/folder.ts";
import { HOSTILE_NAMES, UNSAFE_ON_TERMINAL } from "./hostile.ts";

const folder = new Folder();
afterAll(() => folder.remove());

/** A server that lists these names, three a page; a name with a slash at its end is a directory. */
function completionOf(names: readonly string[], fails = false) {
  let asked = 0;
  const entries = names.toSorted().map((name) => ({
    name: name.replace(/\/$/, ""),
    kind: name.endsWith("/") ? "directory" : "file",
  }));
  let left = entries;
  const call = async (_row: string, { cursor }: { cursor: number }) => {
    if (cursor === 0) [asked, left] = [asked + 1, entries];
    if (fails) throw new FtpxError("CONNECTION_LOST");
    if (left.length === 0 && cursor !== 0) throw new FtpxError("LIST_EXPIRED");
    const page = left.slice(0, 3);
    left = left.slice(3);
    return { entries: page, cursor: left.length > 0 ? 7 : 0 };
  };
  const client = { call } as unknown as Client;
  const completion = new Completion(VERBS, {
    directory: HOME,
    client: async () => client,
    local: (word) => word,
  });
  return { completion, askedCount: () => asked };
}

const NAMES = ["my file (1).iso", "music/", "other.txt", "-x", "it's", "back\\slash"];

test.each([
  ["get my", ["my\\ file\\ (1).iso "], "my"],
  ['get "my', ['"my file (1).iso" '], '"my'],
  ["get 'my f", ["'my file (1).iso' "], "'my f"],
  [String.raw`get my\ `, ["my\\ file\\ (1).iso "], "my\\ "],
  ["ls mu", ["music/"], "mu"],
  ["ls m", ["music/", "my\\ file\\ (1).iso"], "m"],
  ["get nothing", [], "nothing"],
  ["get it", [String.raw`it\'s `], "it"],
  ["get ./-", ["./-x "], "./-"],
  ["ls other.txt mu", ["music/"], "mu"],
  ["get --jobs 3 oth", ["other.txt "], "oth"],
  ["get --digest oth", [], "oth"],
  ["sync ./x :mu", [":music/"], ":mu"],
  ["bogus my", [], "my"],
])("Tab behind %p offers %j", async (line, hits, word) => {
  expect(await completionOf(NAMES).completion.offer(line)).toEqual([hits, word]);
});

test.each([
  ["mk", ["mkdir "]],
  ["rem", ["remove "]],
  ["help who", ["who", "whoami"]],
  ["put --l", ["--limit "]],
  ["put --no", ["--no-clobber "]],
])("Tab behind %p offers %j without asking the server", async (line, hits) => {
  const { completion, askedCount } = completionOf(NAMES);
  const [found] = await completion.offer(line);
  expect(found.toSorted()).toEqual(hits);
  expect(askedCount()).toBe(0);
});

test("a directory is asked for once until something was changed", async () => {
  const { completion, askedCount } = completionOf(NAMES);
  await completion.offer("ls m");
  await completion.offer("get o");
  expect(askedCount()).toBe(1);
  completion.forget();
  await completion.offer("ls m");
  expect(askedCount()).toBe(2);
});

test("a server that fails has nothing to offer, and is asked again", async () => {
  const { completion, askedCount } = completionOf(NAMES, true);
  expect(await completion.offer("ls m")).toEqual([[], "m"]);
  expect(await completion.offer("ls m")).toEqual([[], "m"]);
  expect(askedCount()).toBe(2);
});

test("what begins with a word is offered before the rest of a long listing has come", async () => {
  const names = ["a1", "b1", "b2", "c", "d", "e", "f", "g", "h"];
  const rest = Promise.withResolvers<never>();
  const call = async (_row: string, { cursor }: { cursor: number }) => {
    if (cursor !== 0) return await rest.promise;
    const page = names.slice(0, 4).map((name) => ({ name, kind: "file" }));
    return { entries: page, cursor: 7 };
  };
  const completion = new Completion(VERBS, {
    directory: HOME,
    client: async () => ({ call }) as unknown as Client,
    local: (word) => word,
  });

  expect((await completion.offer("ls b"))[0]).toEqual(["b1", "b2"]);
  expect((await completion.offer("ls a"))[0]).toEqual(["a1 "]);
  // Of these more may come.
  expect((await completion.offer("ls c"))[0]).toEqual([]);
});

test.each(["caf\u00e9.txt", "cafe\u0301.txt"])(
  "an accent is the same however it is written: %p",
  async (name) => {
    const { completion } = completionOf([name, "other"]);
    for (const written of ["caf\u00e9", "cafe\u0301", "caf"]) {
      expect((await completion.offer(`ls ${written}`))[0]).toEqual([`${name} `]);
    }
  },
);

test("P5: names that no directory can hold are not offered", async () => {
  const names = ["../../x", "a/b", "", ".", "..", "a\0b", "fine"];
  expect(await completionOf(names).completion.offer("get ")).toEqual([["fine "], ""]);
});

test.each(HOSTILE_NAMES)("P6: %p is offered in a way that does nothing and reads back", (name) => {
  const [hits] = offerOf(cursorOf("get "), "get ", [{ text: name, isOpen: false }]);
  expect(hits.join("")).not.toMatch(UNSAFE_ON_TERMINAL);
  expect(splitWords(`get ${hits[0]}`)).toEqual(["get", name]);
});

test("several candidates are first offered as far as they agree", () => {
  const candidates = ["a b 2", "a b 1", "a b 2"].map((text) => ({ text, isOpen: false }));
  const offered = (line: string) => offerOf(cursorOf(line), line, candidates);

  expect(offered("get ")).toEqual([[String.raw`a\ b\ `], ""]);
  expect(offered('get "a')).toEqual([['"a b '], '"a']);
  expect(offered('get "a b ')).toEqual([['"a b 1"', '"a b 2"'], '"a b ']);
});

test("what candidates agree on is never half a character", () => {
  const candidates = ["x💾", "x💿"].map((text) => ({ text, isOpen: false }));
  expect(offerOf(cursorOf("get "), "get ", candidates)).toEqual([["x"], ""]);
});

test("a long list of candidates is cut and says so", () => {
  const candidates = Array.from({ length: 1000 }, (_, index) => ({
    text: String(index),
    isOpen: false,
  }));
  const [hits] = offerOf(cursorOf("get "), "get ", candidates);
  expect(hits).toHaveLength(201);
  expect(hits.at(-1)).toBe("… 800 more");
});

test("P7: a local name that is not UTF-8 is offered so that it reads back", async () => {
  fs.mkdirSync(folder.at("l/dir"), { recursive: true });
  const name = Buffer.from("bad\xff", "latin1");
  fs.writeFileSync(Buffer.concat([Buffer.from(folder.at("l/")), name]), "");
  const { completion } = completionOf([]);

  const [hits] = await completion.offer(`put ${folder.at("l/ba")}`);
  expect(hits).toEqual([`$'${folder.at("l/bad")}\\xff' `]);
  expect(splitWords(`put ${hits[0] ?? ""}`)[1]).toBe(folder.at("l/bad\u{10feff}"));
  expect((await completion.offer(`put ${folder.at("l/d")}`))[0]).toEqual([folder.at("l/dir/")]);
});
