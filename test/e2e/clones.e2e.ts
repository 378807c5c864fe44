/** `ftpx cp -r`: directories with all they hold, copied on the server file by file. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, readdir, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { jsonLines } from "../support/jsonlines.ts";
import { makeFile, Scene } from "./binary.ts";
import type { Ran, Server } from "./binary.ts";

const PASSWORD = { env: { FTPX_PASSWORD: "pw" } };

let scene: Scene;
let server: Server;

beforeEach(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw", "--quota", "1 MiB", "--files", "100");
  server = await scene.serve();
});

afterEach(() => scene.end());

const at = (path: string) => server.target("ann", path);
const run = (...words: string[]) => scene.run(words, PASSWORD);
const home = (...names: string[]) => scene.path("data", "storage", "ann", ...names);
const lines = ({ stdout }: Ran) => jsonLines(stdout);

/** Sent as it is, so that it is counted. */
async function plant(files: Record<string, string>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(scene.path("tree", name)), { recursive: true });
    await writeFile(scene.path("tree", name), content);
  }
  const { status, stderr } = await run("put", "-r", scene.path("tree"), at("/"));
  if (status !== 0) throw new Error(stderr);
}

async function usage(): Promise<unknown[]> {
  const { stdout } = await run("quota", at("/"), "--json");
  const { usedBytes, usedFiles, reservedBytes } = JSON.parse(stdout) as Record<string, unknown>;
  return [usedBytes, usedFiles, reservedBytes];
}

const isWell = async () => (await scene.run(["check", "--data", scene.data])).status === 0;
const textOf = (...names: string[]) => Bun.file(home(...names)).text();

test("a directory is copied with all it holds, keeps the files' times, and is charged", async () => {
  await plant({ a: "one", "d/b": "three", "d/e/c": "", ".hidden": "h" });
  await run("mkdir", at("/tree/empty"));
  await utimes(home("tree", "a"), 1e9, 1e9);
  const before = await usage();
  const copied = await run("cp", "-r", at("/tree"), "/copy");

  expect(copied.status).toBe(0);
  expect(copied.stderr).toStartWith("4 files, ");
  expect((await readdir(home("copy"), { recursive: true })).toSorted()).toEqual(
    (await readdir(home("tree"), { recursive: true })).toSorted(),
  );
  expect(await textOf("copy", "d", "b")).toBe("three");
  expect((await stat(home("copy", "a"))).mtimeMs).toBe(1e12);
  expect(before).toEqual([9, 8, 0]);
  expect(await usage()).toEqual([18, 16, 0]);
  expect(await isWell()).toBe(true);
});

test("a directory that is there takes the copy in, and what is in it stays", async () => {
  await plant({ a: "one" });
  await run("cp", "-r", at("/tree"), "/into/");
  const copied = await run("cp", "-r", at("/tree"), "/into", "--json");
  const [file, ...rest] = lines(copied);

  expect(file).toEqual({ event: "copied", path: "/tree/a", to: "/into/tree/a", bytes: 3 });
  expect(rest).toMatchObject([{ event: "summary", files: 1, failed: 0, skipped: 0, bytes: 3 }]);
  expect(await textOf("into", "a")).toBe("one");
  expect(await textOf("into", "tree", "a")).toBe("one");
});

test("without -r a directory is refused, and the hint names -r", async () => {
  await plant({ a: "one" });
  const refused = await run("cp", at("/tree"), "/copy");

  expect(refused.status).toBe(73);
  expect(refused.stderr).toContain("ftpx: /tree: is a directory\n");
  expect(refused.stderr).toContain("hint: -r takes");
  expect(await readdir(home())).toEqual(["tree"]);
});

test.each([
  ["itself", "/tree", "/tree"],
  ["a directory of its own", "/tree", "/tree/d"],
  ["a name of its own", "/tree", "/tree/new"],
  ["the home that it is", "/", "/tree"],
])("a directory is not copied into %s", async (_case, from, to) => {
  await plant({ a: "one", "d/b": "three" });
  const refused = await run("cp", "-r", at(from), to);

  expect(refused.status).toBe(64);
  expect(refused.stderr).toContain("cannot be copied into itself");
  expect((await readdir(home("tree"))).toSorted()).toEqual(["a", "d"]);
});

test("Q10: what does not fit has its own line, and the rest is copied", async () => {
  await plant({ a: "one", large: "x".repeat(700_000), "d/b": "three" });
  const copied = await run("cp", "-r", at("/tree"), "/copy");

  expect(copied.status).toBe(73);
  expect(copied.stderr).toContain("/copy/large: does not fit into your quota");
  expect(copied.stderr).toContain("2 files, ");
  expect(copied.stderr).toContain("1 failed");
  expect((await readdir(home("copy"), { recursive: true })).toSorted()).toEqual(["a", "d", "d/b"]);
  expect(await isWell()).toBe(true);
});

test("links are left out and said, and --no-clobber keeps what is there", async () => {
  await plant({ a: "one", b: "two" });
  await symlink("a", home("tree", "link"));
  await run("mkdir", at("/copy"));
  await run("mkdir", at("/copy/tree"));
  await run("cp", at("/tree/b"), "/copy/tree/a");
  const copied = await run("cp", "-r", "--no-clobber", at("/tree"), "/copy");

  expect(copied.status).toBe(73);
  expect(copied.stderr).toContain("/tree/link: skipped, a symbolic link");
  expect(copied.stderr).toContain("/copy/tree/a: exists already");
  expect(await textOf("copy", "tree", "a")).toBe("two");
  expect(await textOf("copy", "tree", "b")).toBe("two");
});

test("a directory does not take the place of a file, nor a file that of a directory", async () => {
  await plant({ a: "one", "d/b": "three" });
  expect((await run("cp", "-r", at("/tree/d"), "/tree/a")).status).toBe(66);
  await run("mkdir", "-p", at("/copy/tree/a"));
  const copied = await run("cp", "-r", at("/tree"), "/copy");

  expect(copied.status).toBe(73);
  expect(copied.stderr).toContain("/copy/tree/a: is a directory");
  expect(await textOf("copy", "tree", "d", "b")).toBe("three");
});

test("two things that would become one are refused before the first is copied or moved", async () => {
  await plant({ a: "one", "d/a": "two" });
  await run("mkdir", at("/to"));

  for (const verb of ["cp", "mv"]) {
    const refused = await run(verb, at("/tree/a"), "/tree/d/a", "/to");
    expect(refused.status).toBe(64);
    expect(refused.stderr).toContain("two things would become /to/a");
  }
  expect(await readdir(home("to"))).toEqual([]);
});

test("mv --no-clobber keeps what is there, and says which it is", async () => {
  await plant({ a: "one", b: "two" });
  const refused = await run("mv", "--no-clobber", at("/tree/a"), "/tree/b");

  expect(refused.status).toBe(73);
  expect(refused.stderr).toContain("/tree/b: exists already");
  expect(await textOf("tree", "b")).toBe("two");
  expect((await run("mv", "--no-clobber", at("/tree/a"), "/tree/c")).status).toBe(0);
  expect((await run("mv", at("/tree/c"), "/tree/b")).status).toBe(0);
  expect(await textOf("tree", "b")).toBe("one");
  expect(await isWell()).toBe(true);
});

test("the shell copies directories too, and one that may only read does not", async () => {
  await plant({ a: "one" });
  const shell = ["connect", at("/"), "--password-stdin"];
  const ran = await scene.run(shell, { stdin: "pw\ncp -r tree copy\ncp tree other\n" });
  expect(ran.stderr).toContain("hint: -r takes");
  expect(await textOf("copy", "a")).toBe("one");
  await scene.run(["usermod", "ann", "--access", "read-only", "--data", scene.data]);
  await server.event("reload");
  const refused = await run("cp", "-r", at("/tree"), "/third");

  expect(refused.status).toBe(77);
  expect((await readdir(home())).toSorted()).toEqual(["copy", "tree"]);
});

test("Ctrl-C ends a copy of a directory once, and what is half a file is no file", async () => {
  await scene.run(["usermod", "ann", "--quota", "4 GiB", "--data", scene.data]);
  await server.event("account-changed");
  await mkdir(scene.path("tree"));
  makeFile(scene.path("tree", "large"), 300 * 1024 * 1024);
  await plant({ a: "one" });
  const copying = scene.start(["cp", "-r", at("/tree"), "/copy"], PASSWORD);
  const parts = scene.path("data", "storage", ".ftpx", "parts");
  while ((await readdir(parts)).length === 0) await Bun.sleep(5);
  copying.kill("SIGINT");

  expect(await copying.exited).toBe(130);
  expect(await new Response(copying.stderr).text()).toBe("ftpx: /tree: interrupted\n");
  while ((await readdir(parts)).length > 0) await Bun.sleep(20);
  expect(await readdir(home("copy"))).not.toContain("large");
  expect(await isWell()).toBe(true);
});
