/** `ftpx check` on data directories that are well and that are not; the plain door; expiry. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { jsonLines } from "../support/jsonlines.ts";
import { makeFile, Scene } from "./binary.ts";
import type { Ran, Server } from "./binary.ts";

const PASSWORD = { env: { FTPX_PASSWORD: "pw" } };
const MIB = 1024 * 1024;

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
});

afterEach(() => scene.end());

const own = (...names: string[]) => scene.path("data", "storage", ".ftpx", ...names);
const check = (...options: string[]) => scene.run(["check", "--data", scene.data, ...options]);

/** The kinds of the findings, with `!` behind those that were repaired. */
function kindsIn({ stdout }: Ran): string[] {
  const lines = jsonLines(stdout);
  const findings = lines.filter(({ event }) => event === "finding");
  return findings.map(({ kind, fixed }) => `${String(kind)}${fixed === true ? "!" : ""}`);
}

async function put(server: Server, path: string, bytes: number): Promise<Ran> {
  makeFile(scene.path("source"), bytes);
  return await scene.run(["put", scene.path("source"), server.target("ann", path)], PASSWORD);
}

test("a data directory that is well has no findings, running and stopped", async () => {
  const server = await scene.serve();
  await put(server, "/a", 3 * MIB);
  const running = await check("--json");
  expect([running.status, kindsIn(running)]).toEqual([0, []]);
  expect(await server.stop()).toBe(0);
  const stopped = await check();

  expect(stopped).toMatchObject({ status: 0, stdout: "1 account checked: nothing wrong\n" });
});

test("what was placed behind the server's back is found and counted while it runs", async () => {
  const server = await scene.serve();
  await put(server, "/a", 1000);
  await server.event("recounted");
  await writeFile(scene.path("data", "storage", "ann", "hand"), "12345");
  const found = await check("--json");
  expect([found.status, kindsIn(found)]).toEqual([65, ["usage"]]);
  const text = await check();
  expect(text.stdout).toContain(
    "ann: counted as used 1000 bytes in 1 files, found 1005 bytes in 2",
  );

  const fixed = await check("--fix", "--json");
  expect([fixed.status, kindsIn(fixed)]).toEqual([0, ["usage!"]]);
  expect((await check()).status).toBe(0);
});

test("orphans of uploads and leftovers of commands are found, and removed by --fix alone", async () => {
  const server = await scene.serve();
  await put(server, "/a", 1000);
  await server.stop();
  await writeFile(own("parts", "stray"), "x");
  await writeFile(scene.path("data", "accounts.toml.0123456789ab.tmp"), "half");
  await writeFile(scene.path("data", "accounts.toml.mine.tmp"), "not ours");
  const found = await check("--json");
  expect([found.status, kindsIn(found)]).toEqual([65, ["leftover", "orphan-part"]]);
  const fixed = await check("--fix", "--json");

  expect([fixed.status, kindsIn(fixed)]).toEqual([0, ["leftover!", "orphan-part!"]]);
  expect(await readdir(own("parts"))).toEqual([]);
  expect(await readdir(scene.data)).toContain("accounts.toml.mine.tmp");
});

test("content that is not what clients were told is found, and never repaired", async () => {
  const server = await scene.serve();
  await put(server, "/a", 9 * MIB);
  await put(server, "/b", 10);
  await server.stop();
  const told = ["--told", own("audit.log")];
  expect(await check(...told)).toMatchObject({ status: 0 });
  const file = scene.path("data", "storage", "ann", "a");
  const bytes = await readFile(file);
  bytes[8 * MIB + 5] = (bytes[8 * MIB + 5] ?? 0) ^ 1;
  await writeFile(file, bytes);
  await rm(scene.path("data", "storage", "ann", "b"));
  const found = await check("--fix", "--json", ...told);

  expect([found.status, kindsIn(found)]).toEqual([65, ["usage!", "content", "missing"]]);
  expect(found.stdout).toContain('"told":2,"missing":1');
  expect(await readFile(file)).toEqual(bytes);
});

test("what users have renamed, copied and removed since is compared where it is", async () => {
  const server = await scene.serve();
  for (const name of ["/a", "/d/b", "/d/c", "/e"]) {
    await scene.run(["mkdir", "-p", server.target("ann", "/d")], PASSWORD);
    await put(server, name, 1000);
  }
  const at = server.target("ann", "/");
  const script = "mv d n\ncp a a2\nmv e e2\nrm a\nrm n/c\n";
  expect((await scene.run(["connect", at], { ...PASSWORD, stdin: script })).status).toBe(0);
  await server.kill();
  await (await scene.serve()).stop();
  const told = ["--told", own("audit.log")];
  const before = await check("--json", ...told);
  expect([before.status, kindsIn(before)]).toEqual([0, []]);
  expect(before.stdout).toContain('"told":5,"missing":2');
  await rm(scene.path("data", "storage", "ann", "n", "b"));
  await rm(scene.path("data", "storage", "ann", "a2"));
  const found = await check(...told);

  expect(found.status).toBe(65);
  expect(found.stdout).toMatch(/^ann: \/n\/b: told sha256:.*, and not there/m);
  expect(found.stdout).toMatch(/^ann: \/a2: told sha256:.*, and not there/m);
});

test("what was told of accounts that are gone is missing, and makes no home", async () => {
  const log = scene.path("told.log");
  const digest = `sha256:${"0".repeat(64)}`;
  const users = ["gone", "No Name", ".ftpx"];
  await writeFile(
    log,
    users.map((user) => `${JSON.stringify({ user, path: "/a", digest })}\n`).join(""),
  );
  const found = await check("--json", "--told", log);

  expect([found.status, found.stderr]).toEqual([0, ""]);
  expect(found.stdout).toContain('"told":3,"missing":3');
  expect(await readdir(scene.path("data", "storage"))).toEqual([".ftpx", "ann"]);
});

test("Q8: a damaged database stops a start after a crash, and --fix makes a new one", async () => {
  const server = await scene.serve();
  await put(server, "/a", 3000);
  await server.kill();
  await rm(own("state.sqlite-wal"), { force: true });
  await writeFile(own("state.sqlite"), "this is no database at all".repeat(1000));
  const start = await scene.run(["serve", "--data", scene.data, "--listen", "127.0.0.1:0"]);
  expect(start.status).toBe(78);
  expect(start.stderr).toContain("ftpx check --fix");
  const found = await check("--json");
  expect([found.status, kindsIn(found)]).toEqual([65, ["database"]]);
  const fixed = await check("--fix", "--json");
  expect([fixed.status, kindsIn(fixed)]).toEqual([0, ["database!"]]);

  const again = await scene.serve();
  const quota = await scene.run(["quota", again.target("ann"), "--json"], PASSWORD);
  expect(JSON.parse(quota.stdout)).toMatchObject({ usedBytes: 3000, usedFiles: 1 });
  expect((await readdir(own())).some((name) => name.includes(".damaged-"))).toBe(true);
});

test("Q8: a log that was cut off by hand is found out by the count at the start", async () => {
  const server = await scene.serve();
  for (const path of ["/a", "/b", "/c"]) await put(server, path, 1000);
  await server.kill();
  await truncate(own("state.sqlite-wal"), 30_000).catch(() => {});
  const again = await scene.serve();
  await again.event("recounted");

  expect((await check()).status).toBe(0);
  const quota = await scene.run(["quota", again.target("ann"), "--json"], PASSWORD);
  expect(JSON.parse(quota.stdout)).toMatchObject({ usedBytes: 3000, reservedBytes: 0 });
});

test("a folder that is no data directory is not made one", async () => {
  await mkdir(scene.path("other"));
  const { status } = await scene.run(["check", "--data", scene.path("other")]);

  expect(status).toBe(78);
  expect(await readdir(scene.path("other"))).toEqual([]);
});

test("Q6: an unfinished upload is dropped in its time, and its room is free again", async () => {
  const server = await scene.serve("--keep-unfinished", "2s");
  const line = scene.line(server.port);
  makeFile(scene.path("big"), 24 * MIB);
  const words = ["put", scene.path("big"), server.target("ann", "/big", line.port)];
  const putting = scene.run([...words, "--retries", "0", "--limit", "8M"], PASSWORD);
  while (line.toServerBytes < 4 * MIB) await Bun.sleep(20);
  line.close();
  expect((await putting).status).toBe(75);
  expect((await readdir(own("parts"))).length).toBe(1);
  const deadlineMs = performance.now() + 15_000;
  while ((await readdir(own("parts"))).length > 0 && performance.now() < deadlineMs) {
    await Bun.sleep(100);
  }

  expect(await readdir(own("parts"))).toEqual([]);
  const quota = await scene.run(["quota", server.target("ann"), "--json"], PASSWORD);
  expect(JSON.parse(quota.stdout)).toMatchObject({ reservedBytes: 0, reservedFiles: 0 });
  expect((await check()).status).toBe(0);
});

test("unfinished uploads are listed and given up, and their room is free again", async () => {
  const server = await scene.serve("--quota", "30 MiB");
  makeFile(scene.path("big"), 24 * MIB);
  const line = scene.line(server.port);
  const slow = ["--retries", "0", "--limit", "20M"];
  const cutting = scene.run(
    ["put", scene.path("big"), server.target("ann", "/big", line.port), ...slow],
    PASSWORD,
  );
  while (line.toServerBytes < 10 * MIB) await Bun.sleep(10);
  line.cut();
  expect((await cutting).status).toBe(75);
  const over = await scene.run(["put", scene.path("big"), server.target("ann", "/b")], PASSWORD);
  expect([over.status, over.stderr]).toEqual([73, expect.stringContaining("ftpx unfinished")]);
  const unfinished = async (...options: string[]) =>
    await scene.run(["unfinished", "--json", ...options], PASSWORD);
  const listed = await unfinished(server.target("ann"));
  expect(JSON.parse(listed.stdout)).toMatchObject({ path: "/big", bytes: 24 * MIB });
  expect((await unfinished("--drop", server.target("ann", "/other"))).status).toBe(66);
  const dropped = await unfinished("--drop", server.target("ann", "/big"));
  expect(JSON.parse(dropped.stdout)).toMatchObject({ event: "dropped", path: "/big" });

  expect(await unfinished(server.target("ann"))).toMatchObject({ status: 0, stdout: "" });
  expect(await readdir(own("parts"))).toEqual([]);
  expect((await check()).status).toBe(0);
  const again = await scene.run(["put", scene.path("big"), server.target("ann", "/b")], PASSWORD);
  expect(again.status).toBe(0);
});

test("plain TCP carries files on loopback, refuses a wrong password, and is nowhere else", async () => {
  const server = await scene.serve("--plain", "127.0.0.1:0");
  const { port } = await server.event("listening-plain");
  const target = `ann@127.0.0.1:${String(port)}/f`;
  makeFile(scene.path("f"), 9 * MIB);
  const sent = await scene.run(["put", scene.path("f"), target, "--plain"], PASSWORD);
  expect(sent.status).toBe(0);
  const got = await scene.run(["get", target, scene.path("back"), "--plain"], PASSWORD);
  expect(got.status).toBe(0);
  expect(await readFile(scene.path("back"))).toEqual(await readFile(scene.path("f")));

  const wrong = { env: { FTPX_PASSWORD: "other" } };
  expect((await scene.run(["ls", target, "--plain"], wrong)).status).toBe(77);
  expect((await scene.run(["ls", target, "--accept-new"], PASSWORD)).status).not.toBe(0);
  const other = await scene.run(["ls", "ann@192.0.2.1:1/", "--plain"], PASSWORD);
  expect([other.status, other.stderr]).toEqual([64, expect.stringContaining("this machine only")]);
  await server.stop();
  const everywhere = ["serve", "--data", scene.data, "--listen", "127.0.0.1:0"];
  const refused = await scene.run([...everywhere, "--plain", "0.0.0.0:0"]);
  expect([refused.status, refused.stderr]).toEqual([64, expect.stringContaining("loopback")]);
});
