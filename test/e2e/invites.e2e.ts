/** Invites: accounts without waiting, once, through the compiled executable. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Desk } from "./applicants.ts";

let desk: Desk;

beforeEach(async () => {
  desk = await Desk.open();
});

afterEach(() => desk.scene.end());

test("an invite makes the account at once, with its limits, and is good once", async () => {
  const { status, stdout } = await desk.operate(
    "invite",
    "--quota",
    "3 MiB",
    "--host",
    "127.0.0.1",
  );
  expect(status).toBe(0);
  for (const more of ["ftpx://example.org:99#sha256:x", "ann@example.org", "example.org/d"]) {
    expect((await desk.operate("invite", "--host", more)).status).toBe(64);
  }
  const words = stdout.trim().split(" ").slice(1);
  expect(words[1]).toBe(`ftpx://127.0.0.1:${desk.server.port}#${desk.server.fingerprint}`);
  const env = { FTPX_USER: "bob" };
  const first = await desk.scene.run([...words, "--password-stdin"], { stdin: "secret\n", env });
  const second = await desk.scene.run([...words, "--password-stdin"], {
    stdin: "secret\n",
    env: { FTPX_USER: "cem" },
  });

  expect(first.status).toBe(0);
  expect(first.stderr).toContain("the account bob is there");
  expect((await desk.quotaAs("bob")).stdout).toContain("3.1 MB");
  expect(second.status).toBe(77);
  expect(second.stderr).toContain("the invite is not valid");
  expect((await desk.operate("invite", "--list", "--json")).stdout).toContain('"usedBy":"bob"');
  expect(await desk.pending()).toEqual([]);
  const audit = await readFile(`${desk.scene.data}/storage/.ftpx/audit.log`, "utf8");
  const state = await readFile(`${desk.scene.data}/storage/.ftpx/state.sqlite-wal`);
  const code = words.at(-1) ?? "";
  expect(audit).not.toContain(code);
  expect(state.includes(Buffer.from(code, "hex"))).toBe(false);
});

test("an invite for a name whose earlier account has left files is refused, running or not", async () => {
  await desk.scene.addUser("dora", "pw of dora");
  writeFileSync(`${desk.scene.data}/storage/dora/kept`, "x");
  expect((await desk.operate("userdel", "dora")).status).toBe(0);
  const check = async () => {
    const { status, stdout, stderr } = await desk.operate("invite", "--name", "dora");
    expect([status, stdout]).toEqual([73, ""]);
    expect(stderr).toContain("storage/dora: exists already");
    expect(stderr).toContain("hint: ftpx userdel dora --purge removes what");
    expect(stderr).toContain("ftpx useradd dora hands it over");
    expect(stderr).not.toContain("choose another name");
  };
  await check();
  await desk.server.stop();
  await check();
  expect((await desk.operate("userdel", "dora", "--purge")).status).toBe(0);
  expect((await desk.operate("invite", "--name", "dora")).status).toBe(0);
});

test("an invite for a name, a taken name, one taken back, one that has expired", async () => {
  const invite = async (...options: string[]) => {
    const { stdout } = await desk.operate("invite", "--json", ...options);
    return JSON.parse(stdout) as { number: number; code: string; target: string };
  };
  const named = await invite("--name", "bob");
  expect(named.target).toStartWith("ftpx://bob@");
  expect((await desk.register("cem", "--invite", named.code)).status).toBe(77);
  const open = await invite();
  const taken = await desk.register("ann", "--invite", open.code);
  expect(taken.status).toBe(73);
  expect(taken.stderr).toContain("the name ann is taken");
  expect((await desk.register("cem", "--invite", open.code)).status).toBe(0);
  expect((await desk.register("bob", "--invite", named.code)).status).toBe(0);
  const short = await invite("--expires", "1ms");
  const revoked = await invite();
  expect((await desk.operate("invite", "--revoke", String(revoked.number))).status).toBe(0);
  expect((await desk.operate("invite", "--revoke", String(revoked.number))).status).toBe(66);

  const refused = [
    await desk.register("dora", "--invite", short.code),
    await desk.register("dora", "--invite", revoked.code),
    await desk.register("dora", "--invite", "00".repeat(16)),
  ];
  expect(new Set(refused.map(({ status, stderr }) => `${status} ${stderr}`)).size).toBe(1);
  expect(refused[0]?.status).toBe(77);
  expect((await desk.register("dora", "--invite", "abc")).status).toBe(64);
  expect((await desk.operate("invite", "--name", "ann")).status).toBe(73);
});

test("who waits and gets an invite needs no answer any more", async () => {
  await desk.register("bob");
  const { stdout } = await desk.operate("invite", "--json");
  const { code } = JSON.parse(stdout) as { code: string };

  expect((await desk.register("bob", "--invite", code)).status).toBe(0);
  expect(await desk.pending()).toEqual([]);
  expect((await desk.quotaAs("bob")).status).toBe(0);
});
