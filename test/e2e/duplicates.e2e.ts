/** `ftpx cp`: copies on the server are charged, proved and published like uploads. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdir, stat } from "node:fs/promises";
import { makeFile, Scene, sha256Of } from "./binary.ts";
import type { Ran, Server } from "./binary.ts";

const PASSWORD = { env: { FTPX_PASSWORD: "pw" } };
const MIB = 1024 * 1024;
/** More than one chunk. */
const BYTES = 9 * MIB + 5;

let scene: Scene;
let server: Server;
let digest: string;

beforeEach(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw", "--quota", "20 MiB", "--files", "6");
  server = await scene.serve();
  digest = makeFile(scene.path("source"), BYTES);
  await run("put", scene.path("source"), at("/a"));
});

afterEach(() => scene.end());

const at = (path: string) => server.target("ann", path);
const run = (...words: string[]) => scene.run(words, PASSWORD);
const home = (...names: string[]) => scene.path("data", "storage", "ann", ...names);

async function usage(): Promise<unknown[]> {
  const { stdout } = await run("quota", at("/"), "--json");
  const { usedBytes, usedFiles, reservedBytes } = JSON.parse(stdout) as Record<string, unknown>;
  return [usedBytes, usedFiles, reservedBytes];
}

const isWell = async () => (await scene.run(["check", "--data", scene.data])).status === 0;
const refused = ({ status, stderr }: Ran) => [status, stderr.split("\n")[0]];

test("a copy is equal, keeps the time, is charged, and a directory takes it in", async () => {
  expect(await run("cp", at("/a"), "/b")).toMatchObject({ status: 0 });
  expect(await sha256Of(home("b"))).toBe(digest);
  expect((await stat(home("b"))).mtimeMs).toBe((await stat(home("a"))).mtimeMs);
  expect(await usage()).toEqual([2 * BYTES, 2, 0]);
  await run("rm", at("/b"));
  await run("mkdir", at("/d"));
  const { stdout } = await run("cp", at("/a"), "/d", "--json");

  expect(JSON.parse(stdout)).toEqual({ event: "copied", path: "/a", to: "/d/a", bytes: BYTES });
  expect(await sha256Of(home("d", "a"))).toBe(digest);
  expect(await isWell()).toBe(true);
});

test("Q10: a copy that does not fit is refused before its first byte, over bytes and over files", async () => {
  await run("cp", at("/a"), "/b");
  const full = await run("cp", at("/a"), "/c");
  expect(refused(full)).toEqual([73, expect.stringContaining("does not fit into your quota")]);
  await run("rm", at("/b"));
  for (const name of ["1", "2", "3", "4", "5"]) await run("mkdir", at(`/${name}`));
  const many = await run("cp", at("/a"), "/b");

  expect(refused(many)).toEqual([73, expect.stringContaining("too many files")]);
  expect(await usage()).toEqual([BYTES, 6, 0]);
  expect(await readdir(scene.path("data", "storage", ".ftpx", "parts"))).toEqual([]);
  expect(await isWell()).toBe(true);
});

test("a copy over a file replaces it whole and frees what it took", async () => {
  makeFile(scene.path("small"), 100);
  await run("put", scene.path("small"), at("/b"));
  const kept = await run("cp", at("/a"), "/b", "--no-clobber");
  expect(refused(kept)).toEqual([73, expect.stringContaining("exists already")]);
  expect((await stat(home("b"))).size).toBe(100);
  await run("cp", at("/a"), "/b");

  expect(await sha256Of(home("b"))).toBe(digest);
  expect(await usage()).toEqual([2 * BYTES, 2, 0]);
});

test.each([
  ["of what is not there", ["/none", "/b"], 66],
  ["of a directory", ["/d", "/b"], 73],
  ["onto itself", ["/a", "/a"], 64],
  ["into a directory that is not there", ["/a", "/none/b"], 66],
  ["out of the home", ["/a", "/../b"], 77],
] as const)("a copy (%s) is refused, and nothing is charged", async (_case, [from, to], status) => {
  await run("mkdir", at("/d"));

  expect(refused(await run("cp", at(from), to))[0]).toBe(status);
  expect(await usage()).toEqual([BYTES, 2, 0]);
  expect(await isWell()).toBe(true);
});

test.each([["read-only"], ["upload-only"]])(
  "an account that is %s may not copy",
  async (access) => {
    await server.reloadAfter(() => scene.operate("usermod", "ann", "--access", access));

    expect((await run("cp", at("/a"), "/b")).status).toBe(77);
    expect(await readdir(home())).toEqual(["a"]);
  },
);

test("a copy ends with its connection, and leaves nothing", async () => {
  await server.reloadAfter(() => scene.operate("usermod", "ann", "--quota", "4 GiB"));
  makeFile(scene.path("large"), 300 * MIB);
  await run("put", scene.path("large"), at("/large"));
  const copying = scene.start(["cp", at("/large"), "/b"], PASSWORD);
  const parts = scene.path("data", "storage", ".ftpx", "parts");
  while ((await readdir(parts)).length === 0) await Bun.sleep(5);
  copying.kill("SIGINT");
  await copying.exited;
  while ((await readdir(parts)).length > 0) await Bun.sleep(20);

  expect(await usage()).toEqual([BYTES + 300 * MIB, 2, 0]);
  expect((await readdir(home())).toSorted()).toEqual(["a", "large"]);
  expect(await isWell()).toBe(true);
});
