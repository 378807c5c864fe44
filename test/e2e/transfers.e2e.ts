/** put and get, through the compiled executable. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, symlink } from "node:fs/promises";
import { jsonLines } from "../support/jsonlines.ts";
import { makeFile, Scene, sha256Of } from "./binary.ts";
import type { Server } from "./binary.ts";

const MIB = 1024 * 1024;

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  await scene.addUser("al", "pw");
  await scene.addUser("hand", "pw");
  await scene.addUser("tiny", "pw", "--quota", "1 MiB", "--files", "3");
  server = await scene.serve();
});

afterAll(() => scene.end());

const ftpx = (...words: string[]) => scene.run(words, { env: { FTPX_PASSWORD: "pw" } });
const home = (user: string, ...names: string[]) =>
  [scene.data, "storage", user, ...names].join("/");

test.each([
  0,
  1,
  511 * 1024,
  512 * 1024,
  512 * 1024 + 1,
  8 * MIB - 1,
  8 * MIB,
  8 * MIB + 1,
  17 * MIB,
])("a file of %d bytes goes there and back unchanged", async (bytes) => {
  const source = scene.path(`f${bytes}`);
  const sum = makeFile(source, bytes, bytes + 7);

  const put = await ftpx("put", source, server.target("ann", "/"), "--json");
  const got = await ftpx("get", server.target("ann", `/f${bytes}`), scene.path("back"), "--json");

  expect([put.status, got.status]).toEqual([0, 0]);
  expect(await sha256Of(scene.path("back"))).toBe(sum);
  expect(await sha256Of(home("ann", `f${bytes}`))).toBe(sum);
  const done = jsonLines<{ event: string }>(put.stdout);
  expect(done.at(-1)).toMatchObject({ event: "done", bytes });
  // Source times are kept, in milliseconds.
  const times = await Promise.all([stat(source), stat(home("ann", `f${bytes}`))]);
  expect(Math.floor(times[1].mtimeMs)).toBe(Math.floor(times[0].mtimeMs));
});

test.each(["sha256", "md5", "xxh128", "blake3"])(
  "--digest %s proves both directions",
  async (name) => {
    makeFile(scene.path("d"), 9 * MIB, 3);

    const put = await ftpx(
      "put",
      scene.path("d"),
      server.target("ann", `/${name}`),
      "--digest",
      name,
      "--json",
    );
    const got = await ftpx(
      "get",
      server.target("ann", `/${name}`),
      scene.path("d2"),
      "--digest",
      name,
      "--json",
    );

    const digests = [put, got].map(({ stdout }) => {
      const line = stdout.trim().split("\n").at(-1) ?? "{}";
      return (JSON.parse(line) as { digest: string }).digest;
    });
    expect(digests[0]).toStartWith(`${name}:`);
    expect(digests[0]).toEndWith("-2");
    expect(digests[1]).toBe(digests[0] ?? "");
  },
);

test("md5 and sha256 print what md5sum and sha256sum print", async () => {
  makeFile(scene.path("m"), 20 * MIB, 5);
  await ftpx("put", scene.path("m"), server.target("ann", "/m"));
  const content = await readFile(scene.path("m"));

  for (const name of ["md5", "sha256"]) {
    const { stdout } = await ftpx(name, server.target("ann", "/m"));
    expect(stdout.split(" ")[0]).toBe(createHash(name).update(content).digest("hex"));
  }
});

test("what is over the quota is refused with 73 and the numbers, and nothing is visible", async () => {
  makeFile(scene.path("large"), 2 * MIB);

  const { status, stderr } = await ftpx(
    "put",
    scene.path("large"),
    server.target("tiny", "/large"),
  );

  expect(status).toBe(73);
  expect(stderr).toContain("does not fit into your quota: 2.1 MB needed, 1.0 MB free of 1.0 MB");
  expect(await readdir(home("tiny"))).toEqual([]);
  expect(await readdir(`${scene.data}/storage/.ftpx/parts`)).toEqual([]);
  const quota = await ftpx("quota", server.target("tiny"), "--json");
  expect(JSON.parse(quota.stdout)).toMatchObject({ usedBytes: 0, reservedBytes: 0 });
});

test("Q1: of 20 puts at once exactly those that fit are stored", async () => {
  await server.reloadAfter(() => scene.addUser("team", "pw", "--quota", "10 MiB"));
  makeFile(scene.path("nine"), 900 * 1024);

  const puts = Array.from({ length: 20 }, (_, index) =>
    ftpx("put", scene.path("nine"), server.target("team", `/f${index}`)),
  );
  const statuses = (await Promise.all(puts)).map(({ status }) => status);

  expect(statuses.filter((status) => status === 0)).toHaveLength(11);
  expect(statuses.filter((status) => status === 73)).toHaveLength(9);
  expect(await readdir(home("team"))).toHaveLength(11);
});

test("Q11: the number of files is bounded", async () => {
  for (const name of ["a", "b", "c"]) {
    expect((await ftpx("mkdir", server.target("tiny", `/${name}`))).status).toBe(0);
  }
  const { status, stderr } = await ftpx("mkdir", server.target("tiny", "/d"));

  expect(status).toBe(73);
  expect(stderr).toContain("too many files and directories");
});

test("Q5: an overwrite counts the new file only, and a rename over a file frees the old one", async () => {
  await server.reloadAfter(() => scene.addUser("over", "pw"));
  makeFile(scene.path("eight"), 8000);
  makeFile(scene.path("ten"), 10_000);
  await ftpx("put", scene.path("eight"), server.target("over", "/f"));
  await ftpx("put", scene.path("ten"), server.target("over", "/f"));
  await ftpx("put", scene.path("eight"), server.target("over", "/g"));
  await ftpx("mv", server.target("over", "/f"), "/g");

  const { stdout } = await ftpx("quota", server.target("over"), "--json");
  expect(JSON.parse(stdout)).toMatchObject({ usedBytes: 10_000, usedFiles: 1, reservedBytes: 0 });
});

test("several files in one command: each its own line, the status of the worst", async () => {
  await Bun.write(scene.path("one"), "1");
  await Bun.write(scene.path("two"), "2");

  const target = server.target("ann", "/many/");
  await ftpx("mkdir", server.target("ann", "/many"));
  const { status, stderr } = await ftpx(
    "put",
    scene.path("one"),
    scene.path("none"),
    scene.path("two"),
    target,
  );

  expect(status).toBe(66);
  expect(stderr).toContain("none: no such local file or directory");
  expect((await readdir(home("ann", "many"))).toSorted()).toEqual(["one", "two"]);
});

test("P2, P3: nobody leaves a home by .., absolute paths, neighbours' names or planted links", async () => {
  await Bun.write(home("ann", "secret"), "ann's");
  await Bun.write(scene.path("one"), "1");
  await mkdir(scene.path("canary"));
  await Bun.write(scene.path("canary", "x"), "outside");
  await symlink(home("ann"), home("al", "neighbour"));
  await symlink(scene.path("canary"), home("al", "out"));
  await symlink("/etc/passwd", home("al", "passwd"));
  const escapes = [
    "/../ann/secret",
    "/../../storage/ann/secret",
    "/neighbour/secret",
    "/out/x",
    "/passwd",
    "/a/../../ann/secret",
  ];

  for (const path of escapes) {
    const got = await ftpx(
      "get",
      `al@127.0.0.1:${server.port}${path}`,
      scene.path("loot"),
      "--accept-new",
    );
    expect(got.status).not.toBe(0);
    const put = await ftpx("put", scene.path("one"), `al@127.0.0.1:${server.port}${path}`);
    expect(put.status).not.toBe(0);
  }
  for (const path of ["/neighbour/", "/out/", "/../", "/../ann"]) {
    const listed = await ftpx("ls", `al@127.0.0.1:${server.port}${path}`);
    expect(listed.stdout).not.toContain("secret");
    expect(listed.status === 0 && path.startsWith("/..")).toBe(false);
  }
  expect(await readFile(home("ann", "secret"), "utf8")).toBe("ann's");
  expect(await readFile(scene.path("canary", "x"), "utf8")).toBe("outside");
  expect(await readdir(scene.path("canary"))).toEqual(["x"]);
  expect(await Bun.file(scene.path("loot")).exists()).toBe(false);
});

test("--no-clobber leaves what stands there", async () => {
  await Bun.write(scene.path("new"), "new");
  await Bun.write(home("ann", "kept"), "old");

  const { status } = await ftpx(
    "put",
    scene.path("new"),
    server.target("ann", "/kept"),
    "--no-clobber",
  );

  expect(status).toBe(73);
  expect(await readFile(home("ann", "kept"), "utf8")).toBe("old");
});

test("a get never takes the place of what is no file, and follows a link to a file", async () => {
  await Bun.write(home("ann", "five"), "12345");
  await Bun.write(scene.path("linked"), "old");
  await symlink(scene.path("linked"), scene.path("link"));
  await symlink("/dev/null", scene.path("device"));
  const device = await ftpx("get", server.target("ann", "/five"), scene.path("device"));
  const link = await ftpx("get", server.target("ann", "/five"), scene.path("link"));

  expect([device.status, link.status]).toEqual([66, 0]);
  expect((await stat("/dev/null")).isCharacterDevice()).toBe(true);
  expect(await readFile(scene.path("linked"), "utf8")).toBe("12345");
});

test("a file that holds more than its size says is not stored as less", async () => {
  const { status } = await ftpx(
    "put",
    "/proc/cpuinfo",
    server.target("ann", "/ci"),
    "--retries",
    "0",
  );

  expect(status).toBe(75);
  expect(await readdir(home("ann"))).not.toContain("ci");
});

test("what the operator changed in a home is counted when the server starts", async () => {
  const before = await ftpx("quota", server.target("hand"), "--json");
  expect(JSON.parse(before.stdout)).toMatchObject({ usedBytes: 0, usedFiles: 0 });
  await Bun.write(home("hand", "placed"), "x".repeat(1000));
  expect(await server.stop()).toBe(0);
  server = await scene.serve();
  await server.event("recounted");

  const { stdout } = await ftpx("quota", server.target("hand"), "--json");
  expect(JSON.parse(stdout)).toMatchObject({ usedBytes: 1000, usedFiles: 1 });
});

test("an access level holds: read-only may not write, upload-only may not read", async () => {
  await server.reloadAfter(() => scene.addUser("reader", "pw", "--access", "read-only"));
  await server.reloadAfter(() => scene.addUser("dropper", "pw", "--access", "upload-only"));
  await Bun.write(home("reader", "f"), "f");
  await Bun.write(scene.path("one"), "1");

  expect((await ftpx("get", server.target("reader", "/f"), scene.path("rf"))).status).toBe(0);
  expect((await ftpx("put", scene.path("one"), server.target("reader", "/g"))).status).toBe(77);
  expect((await ftpx("rm", server.target("reader", "/f"))).status).toBe(77);
  expect((await ftpx("put", scene.path("one"), server.target("dropper", "/one"))).status).toBe(0);
  expect((await ftpx("get", server.target("dropper", "/one"), scene.path("rg"))).status).toBe(77);
  expect((await ftpx("ls", server.target("dropper", "/"))).status).toBe(77);
  // It may give up an upload that it knows, although it sees none.
  expect((await ftpx("unfinished", server.target("dropper", "/"))).status).toBe(77);
  const none = await ftpx("unfinished", "--drop", server.target("dropper", "/none"));
  expect([none.status, none.stderr]).toEqual([66, expect.stringContaining("/none: ")]);
});
