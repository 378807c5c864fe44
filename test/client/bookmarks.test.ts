import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BOOKMARKS_MAX } from "../../src/base/limits.ts";
import {
  addBookmark,
  findBookmark,
  isBookmarkName,
  readBookmarks,
  removeBookmark,
} from "../../src/client/bookmarks.ts";
import { parseTarget } from "../../src/client/target.ts";
import { outcomeOf, refusal } from "../support/refusal.ts";

let folder: string;
const file = () => join(folder, "home", "bookmarks");
const before = process.env["FTPX_HOME"];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ftpx-bookmarks-"));
  process.env["FTPX_HOME"] = join(folder, "home");
});

afterEach(() => {
  rmSync(folder, { recursive: true });
  if (before === undefined) delete process.env["FTPX_HOME"];
  else process.env["FTPX_HOME"] = before;
});

test("a bookmark is kept, replaced and removed; notes and other lines stay", async () => {
  await addBookmark("work", "ann@h:1/b");
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  writeFileSync(file(), `# mine\n\nwork   ann@h:1/b \nhome  h2/my dir\n`);
  await addBookmark("work", "bob@h/c");
  await addBookmark("new", "h3");

  expect(readFileSync(file(), "utf8")).toBe("# mine\n\nwork bob@h/c\nhome  h2/my dir\nnew h3\n");
  expect(readBookmarks().map(({ name }) => name)).toEqual(["work", "home", "new"]);
  expect(findBookmark("home:x:y")).toEqual({ target: "h2/my dir", path: "x:y" });
  await removeBookmark("home");
  expect(readFileSync(file(), "utf8")).toBe("# mine\n\nwork bob@h/c\nnew h3\n");
  expect(await outcomeOf(removeBookmark("home"))).toBe("NO_SUCH_BOOKMARK");
  expect(await outcomeOf(removeBookmark("../home"))).toBe("USAGE");
});

test("without a file there are no bookmarks, and none is made by looking", () => {
  expect(readBookmarks()).toEqual([]);
  expect(parseTarget("work").host).toBe("work");
  expect(existsSync(join(folder, "home"))).toBeFalse();
});

test.each([
  "",
  "a b",
  "a@b",
  "a/b",
  "a:b",
  "-a",
  ".a",
  "é",
  "\u001b[2J",
  "__proto__",
  "n".repeat(65),
])("%p is no name for a bookmark", async (name) => {
  expect(isBookmarkName(name)).toBeFalse();
  expect(await outcomeOf(addBookmark(name, "h"))).toBe("USAGE");
});

test("names that objects have by themselves are names like others", async () => {
  expect(findBookmark("constructor")).toBeUndefined();
  await addBookmark("constructor", "h");
  expect(findBookmark("constructor")).toEqual({ target: "h", path: "" });
});

test("a line that is none is told with its number, and a target is one line", async () => {
  await addBookmark("a", "h");
  writeFileSync(file(), "a h\nnonsense\n");
  expect(() => readBookmarks()).toThrow(refusal("BAD_CONFIG"));
  expect(await outcomeOf(addBookmark("b", "h"))).toBe("BAD_CONFIG");
  writeFileSync(file(), "");
  expect(await outcomeOf(addBookmark("b", "h\nc h2"))).toBe("USAGE");
});

test("bookmarks are bounded", async () => {
  await addBookmark("a", "h");
  writeFileSync(file(), "# note\n".repeat(BOOKMARKS_MAX));
  expect(await outcomeOf(addBookmark("b", "h"))).toBe("USAGE");
});

const FINGERPRINT = `sha256:${"aZ09-_".repeat(7)}x`;

test.each([
  ["work", { user: "ann", host: "h", port: 7, path: "/b", fingerprint: FINGERPRINT }],
  ["work:", { path: "/b", isDirectory: false }],
  ["work:c d", { path: "/b/c d", isDirectory: false }],
  ["work:c/", { path: "/b/c", isDirectory: true }],
  ["work:/x", { path: "/x" }],
  ["work:../y", { path: "/y" }],
  ["work/x", { host: "work", path: "/x", port: 9999 }],
  ["bob@work", { host: "work", user: "bob" }],
  ["ftpx://work", { host: "work" }],
])("with a bookmark %p is %p", (text, parts) => {
  const target = `ftpx://ann@h:7/b#${FINGERPRINT}`;
  const find = (word: string) => {
    const [, name, path = ""] = /^([^:]*)(?::(.*))?$/.exec(word) ?? [];
    return name === "work" ? { target, path } : undefined;
  };
  expect(parseTarget(text, find)).toMatchObject(parts);
});
