/** What an operator does all day on the compiled executable, and what of it went wrong once. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chown, lstat, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { Glob } from "bun";
import { BINARY, makeFile, Scene } from "./binary.ts";

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.begin();
});

afterEach(() => scene.end());

async function operate(...words: string[]) {
  return await scene.run([...words, "--data", scene.data]);
}

async function jsonOf(...words: string[]): Promise<Record<string, unknown>[]> {
  const { stdout } = await operate(...words, "--json");
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("drain answers before a server ends that has nothing under way", async () => {
  await scene.addUser("ann", "pw");
  for (let round = 0; round < 3; round += 1) {
    const server = await scene.serve();
    const { status, stderr } = await operate("drain");

    expect(stderr).toStartWith("the server drains: 0 transfers under way");
    expect(stderr).toEndWith("the server has ended\n");
    expect(status).toBe(0);
    expect(await server.process.exited).toBe(0);
  }
});

test("drain answers where people are signed in and do nothing", async () => {
  await scene.addUser("ann", "pw");
  const server = await scene.serve();
  const env = { FTPX_PASSWORD: "pw" };
  const idle = Bun.spawn([BINARY, "connect", server.target("ann")], {
    env: { ...process.env, ...env, FTPX_HOME: scene.path("home") },
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
  });
  await server.event("login");
  const events = await jsonOf("drain");

  expect(events.map(({ event }) => event)).toEqual(["draining", "ended"]);
  idle.kill("SIGKILL");
  await idle.exited;
});

const isRoot = process.getuid?.() === 0;
const OTHER = 54_321;

test.skipIf(!isRoot)(
  "what root makes below storage belongs to whom storage belongs to",
  async () => {
    await scene.addUser("ann", "pw");
    const storage = scene.path("data", "storage");
    await chownAll(storage, OTHER);
    await chown(scene.path("data", "accounts.toml"), OTHER, OTHER);
    await scene.addUser("bob", "pw");
    await operate("users");

    for await (const name of new Glob("**").scan({ cwd: storage, dot: true, onlyFiles: false })) {
      expect([name, (await lstat(`${storage}/${name}`)).uid]).toEqual([name, OTHER]);
    }
    expect((await lstat(scene.path("data", "accounts.toml"))).uid).toBe(OTHER);
  },
);

test.skipIf(!isRoot)(
  "what root makes in a folder of another's is that user's from the start",
  async () => {
    await mkdir(scene.data);
    await chown(scene.data, OTHER, OTHER);
    await scene.addUser("ann", "pw");

    for (const name of ["accounts.toml", "storage", "storage/.ftpx", "storage/ann"]) {
      expect([name, (await lstat(scene.path("data", name))).uid]).toEqual([name, OTHER]);
    }
  },
);

test.skipIf(!isRoot)(
  "check finds a home that the server cannot enter, and --fix gives it back",
  async () => {
    await scene.addUser("ann", "pw");
    const storage = scene.path("data", "storage");
    await chownAll(storage, OTHER);
    await chown(`${storage}/ann`, 0, 0);
    const found = await operate("check");
    expect(found.stdout).toContain(`ann: ${storage}/ann: the server's user cannot use it`);
    expect(found.status).toBe(65);
    expect((await operate("check", "--fix")).status).toBe(0);

    expect((await lstat(`${storage}/ann`)).uid).toBe(OTHER);
    expect((await operate("check")).stdout).toBe("1 account checked: nothing wrong\n");
  },
);

test("check finds and counts what was placed for somebody who never signed in", async () => {
  const server = await scene.serve();
  await scene.addUser("ann", "pw");
  await server.event("reload");
  await writeFile(scene.path("data", "storage", "ann", "hand"), "12345");
  const found = await operate("check");
  expect(found.stdout).toContain(
    "ann: counted as used 0 bytes in 0 files, found 5 bytes in 1 file",
  );
  expect(found.status).toBe(65);

  expect((await operate("check", "--fix")).status).toBe(0);
  expect((await operate("check")).stdout).toBe("1 account checked: nothing wrong\n");
  expect(await jsonOf("users", "ann")).toMatchObject([{ usedBytes: 5, usedFiles: 1 }]);
});

test("userdel --purge that cannot remove the files says what it did", async () => {
  await scene.addUser("ann", "pw");
  await rm(scene.path("data", "storage", "ann"), { recursive: true });
  await writeFile(scene.path("data", "storage", "ann"), "in the way");
  const { status, stderr } = await operate("userdel", "ann", "--purge");

  expect(stderr).toContain("account ann removed; its files were not, or not all of them");
  expect(stderr).toContain("storage/ann");
  expect(status).not.toBe(0);
});

test("a lost accounts.toml is not begun anew by useradd, nor by a start", async () => {
  await scene.addUser("ann", "pw");
  await rm(scene.path("data", "accounts.toml"));
  const added = await scene.run(["useradd", "bob", "--password-stdin", "--data", scene.data], {
    stdin: "pw\n",
  });
  expect(added.status).toBe(78);
  expect(added.stderr).toContain("the file is gone, but storage/ holds the homes of accounts");
  const started = await operate("serve", "--listen", "127.0.0.1:0");
  expect(started.status).toBe(78);

  await writeFile(scene.path("data", "accounts.toml"), "[users]\n");
  await scene.addUser("bob", "pw");
  expect((await jsonOf("users")).map(({ user }) => user)).toEqual(["bob"]);
});

test("a server whose accounts.toml was emptied keeps its accounts and says so", async () => {
  await scene.addUser("ann", "pw");
  const server = await scene.serve();
  await writeFile(scene.path("data", "accounts.toml"), "");
  expect(await server.event("reload-failed")).toMatchObject({
    reason: expect.stringContaining("no account is left"),
  });
  const { status } = await scene.run(["ls", server.target("ann")], {
    env: { FTPX_PASSWORD: "pw" },
  });

  expect(status).toBe(0);
});

test("who is disabled goes within a second, however fast other edits follow", async () => {
  await scene.addUser("ann", "pw");
  await scene.addUser("bob", "pw");
  const server = await scene.serve();
  const file = scene.path("data", "accounts.toml");
  const text = (await readFile(file, "utf8")).replace(
    "\n[users.ann]",
    "\n[users.ann]\ndisabled = true",
  );
  const beganMs = performance.now();
  let count = 0;
  while (!server.events.some(({ event }) => event === "reload")) {
    await writeFile(`${file}.new`, `${text}\n# ${(count += 1)}\n`);
    await rename(`${file}.new`, file);
    await Bun.sleep(20);
    if (performance.now() - beganMs > 10_000) throw new Error("edits keep the server waiting");
  }
  const { status } = await scene.run(["ls", server.target("ann")], {
    env: { FTPX_PASSWORD: "pw" },
  });

  expect(status).toBe(77);
});

test("the audit log has who changed, who was invited, and how sessions ended", async () => {
  await scene.addUser("ann", "pw");
  const server = await scene.serve();
  await scene.addUser("bob", "pw", "--quota", "1 GiB");
  await operate("usermod", "ann", "--files", "7");
  await server.event("account-changed");
  makeFile(scene.path("f"), 1000);
  const bob = server.target("bob", "/f");
  await scene.run(["put", scene.path("f"), bob], { env: { FTPX_PASSWORD: "pw" } });
  await operate("invite", "--name", "carl", "--host", "example.org");
  await operate("invite", "--revoke", "1");
  await operate("userdel", "bob");
  await server.stop();

  const text = await readFile(scene.path("data", "storage", ".ftpx", "audit.log"), "utf8");
  const lines = text.split("\n").slice(0, -1);
  const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(events).toContainEqual(
    expect.objectContaining({ event: "account-added", name: "bob", fields: "password quota" }),
  );
  const changed = events.filter(({ event }) => event === "account-changed");
  expect(changed.map(({ name, fields }) => [name, fields])).toContainEqual(["ann", "files"]);
  expect(events).toContainEqual(expect.objectContaining({ event: "invite", name: "carl" }));
  expect(events).toContainEqual(expect.objectContaining({ event: "invite-revoked", number: 1 }));
  expect(events).toContainEqual(expect.objectContaining({ event: "account-removed", name: "bob" }));
  const ended = events.find(({ event }) => event === "session-ended");
  expect(ended).toMatchObject({ user: "bob", receivedBytes: 1000, sentBytes: 0 });
  expect(text).not.toContain("argon2id");
});

test("what a client was told is in the audit log when the server is killed right then", async () => {
  await scene.addUser("ann", "pw");
  for (let round = 0; round < 3; round += 1) {
    const server = await scene.serve();
    makeFile(scene.path("f"), 1000 + round);
    const words = ["put", scene.path("f"), server.target("ann", `/f${round}`)];
    const put = await scene.run(words, { env: { FTPX_PASSWORD: "pw" } });
    await server.kill();

    expect(put.status).toBe(0);
    const log = await readFile(scene.path("data", "storage", ".ftpx", "audit.log"), "utf8");
    expect(log).toContain(`"path":"/f${round}"`);
  }
});

async function chownAll(folder: string, uid: number): Promise<void> {
  await chown(folder, uid, uid);
  for await (const name of new Glob("**").scan({ cwd: folder, dot: true, onlyFiles: false })) {
    await chown(`${folder}/${name}`, uid, uid);
  }
}
