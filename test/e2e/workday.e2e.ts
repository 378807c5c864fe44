/** What an operator does all day on the compiled executable, and what of it went wrong once. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmod, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { anyJsonLines, jsonLines } from "../support/jsonlines.ts";
import { BINARY, makeFile, Scene } from "./binary.ts";

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.begin();
});

afterEach(() => scene.end());

async function jsonOf(...words: string[]): Promise<Record<string, unknown>[]> {
  const { stdout } = await scene.operate(...words, "--json");
  return anyJsonLines(stdout);
}

test("drain answers before a server ends that has nothing under way", async () => {
  await scene.addUser("ann", "pw");
  for (let round = 0; round < 3; round += 1) {
    const server = await scene.serve();
    const { status, stderr } = await scene.operate("drain");

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

test("check finds and counts what was placed for somebody who never signed in", async () => {
  const server = await scene.serve();
  await scene.addUser("ann", "pw");
  await server.event("reload");
  await writeFile(scene.path("data", "storage", "ann", "hand"), "12345");
  const found = await scene.operate("check");
  expect(found.stdout).toContain(
    "ann: counted as used 0 bytes in 0 files, found 5 bytes in 1 file",
  );
  expect(found.status).toBe(65);

  expect((await scene.operate("check", "--fix")).status).toBe(0);
  expect((await scene.operate("check")).stdout).toBe("1 account checked: nothing wrong\n");
  expect(await jsonOf("users", "ann")).toMatchObject([{ usedBytes: 5, usedFiles: 1 }]);
});

test("userdel --purge that cannot remove the files says what it did", async () => {
  await scene.addUser("ann", "pw");
  await rm(scene.path("data", "storage", "ann"), { recursive: true });
  await writeFile(scene.path("data", "storage", "ann"), "in the way");
  const { status, stderr } = await scene.operate("userdel", "ann", "--purge");

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
  const started = await scene.operate("serve", "--listen", "127.0.0.1:0");
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
  await scene.operate("usermod", "ann", "--files", "7");
  await server.event("account-changed");
  makeFile(scene.path("f"), 1000);
  const bob = server.target("bob", "/f");
  await scene.run(["put", scene.path("f"), bob], { env: { FTPX_PASSWORD: "pw" } });
  await scene.operate("invite", "--name", "carl", "--host", "example.org");
  await scene.operate("invite", "--revoke", "1");
  await scene.operate("userdel", "bob");
  await server.stop();

  const text = await readFile(scene.path("data", "storage", ".ftpx", "audit.log"), "utf8");
  const events = jsonLines(text);
  expect(events).toContainEqual(
    expect.objectContaining({ event: "account-added", name: "bob", fields: "password quota" }),
  );
  const changed = events.filter(({ event }) => event === "account-changed");
  expect(changed.map(({ name, fields }) => [name, fields])).toContainEqual(["ann", "files"]);
  expect(events).toContainEqual(expect.objectContaining({ event: "invite", name: "carl" }));
  expect(events).toContainEqual(expect.objectContaining({ event: "invite-revoked", number: 1 }));
  expect(events).toContainEqual(expect.objectContaining({ event: "account-removed", name: "bob" }));
  const ended = events.find(({ event }) => event === "session-ended");
  expect(ended).toMatchObject({ user: "bob", reason: "LEFT", receivedBytes: 1000, sentBytes: 0 });
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

test("users says the same of everybody, with a server and without", async () => {
  await scene.addUser("bob", "pw");
  const server = await scene.serve();
  await scene.addUser("ann", "pw");
  await server.event("account-added");
  const served = await jsonOf("users");
  expect(served).toMatchObject([
    { user: "ann", sessionCount: 0, limitBytes: 10 * 1024 ** 3 },
    { user: "bob", sessionCount: 0 },
  ]);
  expect((await scene.operate("users", "ann")).stdout).not.toContain("no server");
  await server.stop();
  const alone = await jsonOf("users");

  const shapes = [...served, ...alone].map((row) => Object.keys(row).toSorted().join(" "));
  expect(new Set(shapes).size).toBe(1);
  expect(alone).toMatchObject([{ sessionCount: null, limitBytes: null }, { user: "bob" }]);
});

test("what cannot fit the disk is refused before its first byte, with numbers", async () => {
  await scene.addUser("ann", "pw", "--quota", "4000 TiB");
  const server = await scene.serve();
  await writeFile(scene.path("huge"), "");
  await truncate(scene.path("huge"), 15 * 1024 ** 4);
  const words = ["put", scene.path("huge"), server.target("ann", "/huge")];
  const { status, stderr } = await scene.run(words, { env: { FTPX_PASSWORD: "pw" } });

  expect(status).toBe(73);
  expect(stderr).toMatch(/the disk is full: \S+ \S+ needed, \S+ \S+ free/);
  expect(await server.event("transfer-failed")).toMatchObject({ path: "/huge" });
  expect(await jsonOf("users")).toMatchObject([{ reservedBytes: 0, unfinishedCount: 0 }]);
});

test("an address that another server has is refused, with its option", async () => {
  await scene.addUser("ann", "pw");
  const first = await scene.serve("--metrics", "127.0.0.1:0");
  const { port } = await first.event("listening-metrics");
  for (const [option, taken] of [
    ["--metrics", Number(port)],
    ["--listen", first.port],
  ] as const) {
    const other = scene.path(`other${option}`);
    const rest = option === "--listen" ? [] : ["--listen", "127.0.0.1:0"];
    const words = ["serve", "--data", other, ...rest, option, `127.0.0.1:${taken}`];
    const { status, stderr } = await scene.run(words);
    expect(stderr).toContain(`cannot listen (${option} 127.0.0.1:${taken}): EADDRINUSE`);
    expect(status).toBe(78);
  }
});

test("an invite that has expired is told so in every form", async () => {
  await scene.addUser("ann", "pw");
  const server = await scene.serve();
  expect((await scene.operate("invite", "--expires", "0s")).status).toBe(64);
  expect((await scene.operate("invite", "--expires", "1s")).status).toBe(0);
  const isOpen = async () => (await jsonOf("invite", "--list"))[0]?.["status"] === "open";
  while (await isOpen()) await Bun.sleep(50);

  expect(await jsonOf("invite", "--list")).toMatchObject([{ status: "expired" }]);
  expect((await scene.operate("invite", "--list")).stdout).toContain("expired");
  await server.stop();
});

test("check --told says when a file tells nothing", async () => {
  await scene.addUser("ann", "pw");
  await writeFile(scene.path("log"), '{"event":"login"}\n');
  const { status, stderr } = await scene.operate("check", "--told", scene.path("log"));

  expect(stderr).toContain("holds no digest of any upload");
  expect(status).toBe(64);
});

test("options of accounts: no files at all, back to the default, the last way in", async () => {
  await scene.addUser("ann", "pw", "--files", "0", "--quota", "1 GiB");
  expect(await jsonOf("users")).toMatchObject([{ limitFiles: 0, limitBytes: 1024 ** 3 }]);
  expect(
    (await scene.operate("usermod", "ann", "--files", "default", "--quota", "default")).status,
  ).toBe(0);
  expect(await jsonOf("users")).toMatchObject([{ limitFiles: null, limitBytes: null }]);

  const key = `ssh-ed25519 ${Buffer.concat([
    Buffer.from([0, 0, 0, 11]),
    Buffer.from("ssh-ed25519"),
    Buffer.from([0, 0, 0, 32]),
    Buffer.alloc(32, 7),
  ]).toString("base64")} laptop`;
  const eve = ["useradd", "eve", "--add-key", key, "--data", scene.data];
  const asked = await scene.run(eve);
  expect([asked.status, asked.stderr.includes("--no-password")]).toEqual([64, true]);
  const made = await scene.run([...eve, "--no-password"]);
  expect(made.stderr).toBe(`account eve created in ${scene.data}\n`);
  const last = await scene.operate("usermod", "eve", "--remove-key", "laptop");
  expect([last.status, last.stderr.includes("nobody could sign in")]).toEqual([64, true]);
  expect((await scene.operate("deny", "--from", "xx")).status).toBe(64);
});

test("accounts.toml that others can read is warned of", async () => {
  await scene.addUser("ann", "pw");
  await chmod(scene.path("data", "accounts.toml"), 0o644);
  const server = await scene.serve();
  await server.stop();

  expect(await server.stderr).toContain("others can read");
});
