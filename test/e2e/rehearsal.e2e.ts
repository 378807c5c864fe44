/** `--dry-run`, through the compiled executable: it says what would be done, and what would fail. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { jsonLines } from "../support/jsonlines.ts";
import { Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { readTree, writeAt } from "./ground.ts";

let scene: Scene;
let server: Server;
let source: string;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw", "--quota", "5M", "--files", "20");
  server = await scene.serve();
  source = scene.path("source");
  fs.mkdirSync(join(source, "d"), { recursive: true });
  for (const name of ["d/small", "same"]) writeAt(source, name, name, 1_600_000_000);
  fs.mkdirSync(home("there.d"), { recursive: true });
  writeAt(home(), "there", "there", 1_600_000_000);
  writeAt(home(), "same", "same", 1_600_000_000);
  fs.truncateSync(join(source, "same"), 4);
  fs.utimesSync(join(source, "same"), 1_600_000_000, 1_600_000_000);
  for (const name of ["big", "large"]) {
    writeAt(source, name, "");
    fs.truncateSync(join(source, name), name === "big" ? 120_000_000 : 3_000_000);
  }
});

afterAll(() => scene.end());

const home = (...names: string[]) => [scene.data, "storage/ann", ...names].join("/");
const dry = (verb: string, ...words: string[]) =>
  scene.run([verb, "--dry-run", ...words], { env: { FTPX_PASSWORD: "pw" } });

test("put says what would not fit, file by file", async () => {
  const before = readTree(home());
  const [big, large] = [join(source, "big"), join(source, "large")];

  const one = await dry("put", big, server.target("ann"));
  expect([one.status, one.stdout]).toEqual([73, ""]);
  expect(one.stderr).toContain("/big: does not fit into your quota: 120 MB needed");

  const several = await dry("put", "-r", source, server.target("ann", "/new"));
  expect(several.status).toBe(73);
  expect(several.stdout).toContain("copy    source/large");
  expect(several.stdout).not.toContain("big");

  fs.copyFileSync(large, scene.path("second"));
  const sum = await dry("put", large, scene.path("second"), server.target("ann"));
  expect([sum.status, sum.stdout]).toEqual([73, "copy    large  3.0 MB\n"]);
  expect(readTree(home())).toEqual(before);
});

test("put says what would fail for another reason", async () => {
  const small = join(source, "d/small");
  for (const [path, status, options] of [
    ["/missing/x", 66, []],
    ["/there/x", 66, []],
    ["/there", 73, ["--no-clobber"]],
  ] as const) {
    const ran = await dry("put", ...options, small, server.target("ann", path));
    expect([path, ran.status, ran.stdout]).toEqual([path, status, ""]);
  }
});

test("get fails for what is not there, as it would without --dry-run", async () => {
  const missing = await dry("get", server.target("ann", "/nothing"), "/there", scene.folder);
  expect([missing.status, missing.stdout]).toEqual([66, "copy    there  5 B\n"]);
  expect(missing.stderr).toStartWith("ftpx: /nothing: no such file or directory");

  writeAt(scene.folder, "there", "mine");
  const refused = await dry("get", "--no-clobber", server.target("ann", "/there"), scene.folder);
  expect([refused.status, refused.stdout]).toEqual([73, ""]);
});

test("sync says that nothing has happened, and what would not fit", async () => {
  const before = readTree(home());

  const full = await dry("sync", "--delete", "--json", source, server.target("ann"));
  const events = jsonLines<object>(full.stdout);
  expect(full.status).toBe(73);
  expect(events.at(-1)).toMatchObject({
    event: "synced",
    dryRun: true,
    sent: 2,
    same: 1,
    failed: 1,
  });
  // Nothing is deleted where not all can be sent.
  expect(events.at(-1)).toMatchObject({ deleted: 0, bytes: 3_000_007 });

  const rules = ["--exclude", "big"];
  const ran = await dry("sync", "--delete", ...rules, source, server.target("ann"));
  expect([ran.status, ran.stderr]).toEqual([
    0,
    "would send 2 files, 3.0 MB, delete 2; 1 the same\n",
  ]);
  expect(readTree(home())).toEqual(before);
});
