/**
 * Accounts while the server runs: who was seen when, all about one, what an edit by hand does
 * to those who are here, and what those hear who may only upload.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, symlink } from "node:fs/promises";
import { parsePath } from "../../src/base/path.ts";
import { jsonLines } from "../support/jsonlines.ts";
import { outcomeOf } from "../support/refusal.ts";
import { makeFile, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { signedIn, uploadOf } from "./wire.ts";

const MIB = 1024 * 1024;
const PASSWORD = { env: { FTPX_PASSWORD: "pw" } };

let scene: Scene;
let server: Server;

beforeEach(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  await scene.addUser("bob", "pw");
});

afterEach(() => scene.end());

interface Listed {
  readonly user: string;
  readonly lastSeen: string | null;
  readonly sessionCount?: number;
  readonly unfinishedCount: number;
}

async function listed(...names: string[]): Promise<Listed[]> {
  const { stdout } = await scene.operate("users", ...names, "--json");
  return jsonLines<Listed>(stdout);
}

test("users tells who was last seen when, across a restart, with a server and without", async () => {
  server = await scene.serve();
  const beganMs = Date.now();
  expect(await listed()).toMatchObject([{ lastSeen: null }, { lastSeen: null }]);
  await scene.run(["ls", server.target("ann")], PASSWORD);
  const [ann, bob] = await listed();
  expect(Date.parse(ann?.lastSeen ?? "")).toBeWithin(beganMs, Date.now());
  expect(bob).toMatchObject({ user: "bob", lastSeen: null, sessionCount: 0 });

  expect(await server.stop()).toBe(0);
  expect((await listed("ann"))[0]?.lastSeen).toBe(ann?.lastSeen ?? "");
  const { stdout } = await scene.operate("users");
  expect(stdout).toMatch(/^ann .* just now\nbob .* never$/m);
  server = await scene.serve();
  expect((await listed("ann"))[0]?.lastSeen).toBe(ann?.lastSeen ?? "");
});

test("users NAME tells all about one account", async () => {
  server = await scene.serve();
  makeFile(scene.path("f"), 20 * MIB);
  const words = ["put", scene.path("f"), server.target("ann", "/f"), "--limit", "2MiB"];
  const put = scene.start(words, PASSWORD);
  while ((await listed("ann"))[0]?.unfinishedCount !== 1) await Bun.sleep(20);
  const { stdout } = await scene.operate("users", "ann");
  expect(stdout.split("\n")).toEqual([
    "ann",
    "  access      full",
    "  password    set",
    "  keys        0",
    "  used        0 B in 0 files",
    "  unfinished  1 upload, 21.0 MB reserved",
    "  limit       10.7 GB, 1000000 files (by default)",
    expect.stringMatching(/^ {2}last seen {3}now \(\d{4}-\d\d-\d\d \d\d:\d\d\)$/),
    "  sessions    1",
    "",
  ]);
  expect((await scene.operate("users", "nobody")).status).toBe(66);
  await scene.operate("kick", "ann");
  expect(await put.exited).toBe(77);
});

/** Edits accounts.toml as an editor does, and waits until the server has taken it. */
async function edit(change: (text: string) => string): Promise<void> {
  const file = `${scene.data}/accounts.toml`;
  const text = await Bun.file(file).text();
  const changed = change(text);
  expect(changed).not.toBe(text);
  await server.reloadAfter(() => Bun.write(file, changed));
}

const inAnn = (line: string) => (text: string) =>
  text.replace(/^\[users\.ann\]\n/m, `[users.ann]\n${line}\n`);

test("A7: what is edited by hand holds in open sessions: quota, files, default, access", async () => {
  server = await scene.serve("--quota", "5 MiB");
  const client = await signedIn(server);
  const path = parsePath("/d");
  await edit(inAnn('quota = "3 MiB"\nfiles = 1'));
  expect(await client.call("quota", {})).toMatchObject({ limitBytes: 3 * MIB, limitFiles: 1 });
  await client.call("makeDir", { path, withParents: false });
  const other = { path: parsePath("/e"), withParents: false };
  expect(await outcomeOf(client.call("makeDir", other))).toBe("FILES_EXCEEDED");

  await edit((text) => text.replace('quota = "3 MiB"\nfiles = 1\n', ""));
  expect(await client.call("quota", {})).toMatchObject({ limitBytes: 5 * MIB });
  await edit(inAnn('access = "read-only"'));
  expect(await outcomeOf(client.call("makeDir", other))).toBe("FORBIDDEN");
  await edit((text) => text.replace('access = "read-only"', 'access = "upload-only"'));
  expect(await outcomeOf(client.call("list", { path, cursor: 0 }))).toBe("FORBIDDEN");
  expect(await outcomeOf(client.call("makeDir", other))).toBe("none");
  client.close();
});

test.each([
  ["disabled", inAnn("disabled = true")],
  ["removed", (text: string) => text.replace(/^\[users\.ann\][^[]*/m, "")],
  [
    "given another password",
    (text: string) => {
      const [ann = "", bob = ""] = text.match(/^password = .*$/gm) ?? [];
      return text.replace(ann, bob);
    },
  ],
])("A7: an account that is %s by hand is signed off at once", async (_case, change) => {
  server = await scene.serve();
  const client = await signedIn(server);
  await edit(change);

  expect(await outcomeOf(client.call("quota", {}))).toBe("ACCOUNT_CLOSED");
});

test("an account that may only upload hears the same of a file, a directory and a link", async () => {
  await scene.addUser("drop", "pw", "--access", "upload-only");
  server = await scene.serve();
  const home = `${scene.data}/storage/drop`;
  await mkdir(`${home}/dir`);
  await Bun.write(`${home}/file`, "secret");
  await symlink("/etc", `${home}/link`);
  const client = await signedIn(server, "drop");
  const opened = (path: string) => outcomeOf(client.call("openUpload", uploadOf(path, 1)));
  const made = (path: string) =>
    outcomeOf(client.call("makeDir", { path: parsePath(path), withParents: false }));

  for (const name of ["/file", "/dir", "/link"]) {
    expect([name, await opened(name), await made(name)]).toEqual([name, "EXISTS", "EXISTS"]);
  }
  for (const name of ["/file/x", "/none/x", "/link/x"]) {
    const both = [name, await opened(name), await made(name)];
    expect(both).toEqual([name, "NO_SUCH_PATH", "NO_SUCH_PATH"]);
  }
  // What takes an upload below is a directory: with its parents, makeDir tells no more than that.
  const madeAll = (name: string) =>
    outcomeOf(client.call("makeDir", { path: parsePath(name), withParents: true }));
  expect([await opened("/dir/x"), await madeAll("/dir")]).toEqual(["none", "none"]);
  for (const name of ["/file", "/link", "/file/x"]) {
    expect([name, await madeAll(name)]).toEqual([name, "NO_SUCH_PATH"]);
  }
  const path = parsePath("/file");
  const from = { from: path, to: parsePath("/copied"), mayReplace: false };
  const refused = [
    client.call("stat", { path }),
    client.call("list", { path: parsePath("/"), cursor: 0 }),
    client.call("copy", from),
    client.call("sync", { path, version: "x" }),
    client.call("uploads", { after: undefined }),
    client.call("digest", { path, algorithm: "md5" }),
    client.call("move", { from: path, to: parsePath("/y"), mayReplace: true }),
    client.call("remove", { path, isRecursive: true }),
  ];
  expect(await Promise.all(refused.map(outcomeOf))).toEqual(refused.map(() => "FORBIDDEN"));
  client.close();
});
