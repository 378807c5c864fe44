/** Asking for an account, and the operator's answer, through the compiled executable. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { stat } from "node:fs/promises";
import { REGISTRATION_CALLS_MAX, SOURCE_WAITING_MAX } from "../../src/base/limits.ts";
import { outcomeOf } from "../support/refusal.ts";
import { Desk, VERIFIER } from "./applicants.ts";
import { linesOf } from "./binary.ts";
import { greeted } from "./wire.ts";

const HOSTILE = "\u001b[2J\u001b]0;pwn\u0007a\rb\u202e\u009b";
// oxlint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

let desk: Desk;

beforeEach(async () => {
  desk = await Desk.open();
});

afterEach(() => desk.scene.end());

test("who asked and waits is told within seconds that the account is there, and signs in", async () => {
  const waiting = desk.scene.start(
    [
      "register",
      desk.server.target("bob"),
      "--password-stdin",
      "--note",
      "Bob",
      "--wait",
      "--json",
    ],
    { stdin: "secret\n" },
  );
  const event = await desk.server.event("registration");
  expect(event).toMatchObject({ name: "bob", number: 1, taken: false, address: "127.0.0.1" });
  expect(await desk.pending()).toMatchObject([
    { number: 1, user: "bob", note: "Bob", taken: false, address: "127.0.0.1" },
  ]);
  const approved = await desk.operate(
    "approve",
    "bob",
    "--quota",
    "3 MiB",
    "--access",
    "read-only",
  );
  expect(approved).toMatchObject({ status: 0, stderr: "account bob created\n" });
  const lines: unknown[] = [];
  for await (const line of linesOf(waiting.stdout)) lines.push(JSON.parse(line));

  expect(await waiting.exited).toBe(0);
  expect(lines).toMatchObject([{ outcome: "pending" }, { outcome: "approved", user: "bob" }]);
  const { status, stdout } = await desk.quotaAs("bob");
  expect(status).toBe(0);
  expect(stdout).toContain("3.1 MB");
  expect(await desk.server.event("registration-decided")).toMatchObject({
    name: "bob",
    number: 1,
    outcome: "approved",
  });
  expect((await stat(`${desk.scene.data}/storage/bob`)).mode & 0o777).toBe(0o700);
  expect(String(await desk.accountsFile())).toMatch(/\[users\.bob\][^[]*access *= "read-only"/);
  expect(await desk.pending()).toEqual([]);
});

test("A7: who waits signs in like somebody who is not known, before and after a denial", async () => {
  await desk.register("bob");
  const before = await desk.quotaAs("bob");
  const unknown = await desk.quotaAs("nobody");
  await desk.operate("deny", "bob");
  const after = await desk.quotaAs("bob");

  expect(before).toEqual(unknown);
  expect(after).toEqual(unknown);
  expect(before.status).toBe(77);
});

test("P6: a denial ends the waiting with 77 and its reason, in which nothing moves the cursor", async () => {
  const waiting = desk.register("bob", "--wait");
  await desk.server.event("registration");
  expect((await desk.operate("deny", "bob", "--reason", `no ${HOSTILE}`)).status).toBe(0);
  const { status, stderr } = await waiting;

  expect(status).toBe(77);
  expect(stderr).toContain("the operator has denied the account: no \\x1b[2J");
  expect(stderr).not.toMatch(UNSAFE);
});

test("the answer can be fetched later, once, and the next request is a new one", async () => {
  const first = await desk.register("bob");
  expect(first.status).toBe(0);
  expect(first.stderr).toContain("to wait for the answer: ftpx register bob@127.0.0.1:");
  const again = await desk.register("bob");
  expect(again.status).toBe(0);
  expect((await desk.pending()).length).toBe(1);
  await desk.operate("deny", "bob");
  expect((await desk.register("bob")).status).toBe(77);

  expect((await desk.register("bob")).status).toBe(0);
  expect(await desk.pending()).toMatchObject([{ number: 2 }]);
});

test("Ctrl-C ends the waiting with 130, and the same command goes on with the same request", async () => {
  const words = ["register", desk.server.target("bob"), "--password-stdin", "--wait"];
  const waiting = desk.scene.start(words, { stdin: "secret\n" });
  const said: string[] = [];
  for await (const line of linesOf(waiting.stderr)) {
    said.push(line);
    if (line === "waiting for the answer") waiting.kill("SIGINT");
  }
  expect(await waiting.exited).toBe(130);
  expect(said.join("\n")).toContain("to go on waiting: ftpx register bob@127.0.0.1:");
  await desk.operate("approve", "bob");

  expect((await desk.register("bob", "--wait")).status).toBe(0);
  expect(desk.server.events.filter(({ event }) => event === "registration").length).toBe(1);
});

test("what a removed account has left goes to nobody who only picks its name", async () => {
  await desk.scene.run(["mkdir", desk.server.target("ann", "/secret")], {
    env: { FTPX_PASSWORD: "pw" },
  });
  await desk.operate("userdel", "ann");
  await desk.server.event("reload");
  const { stdout } = await desk.operate("invite", "--json");
  const { code } = JSON.parse(stdout) as { code: string };
  expect((await desk.register("ann", "--invite", code)).status).toBe(73);
  await desk.register("ann");
  const refused = await desk.operate("approve", "ann");

  expect(refused.status).toBe(73);
  expect(refused.stderr).toMatch(/storage\/ann: exists already\nhint: ftpx userdel ann .*\n$/);
  expect((await desk.operate("approve", "ann", "--with-files")).status).toBe(0);
  expect((await desk.quotaAs("ann")).status).toBe(0);
});

test("a server that is killed while somebody waits is waited for", async () => {
  const waiting = desk.register("bob", "--wait");
  await desk.server.event("registration");
  await desk.server.kill();
  expect((await desk.operate("approve", "bob")).status).toBe(0);
  await desk.serveAgain();

  expect((await waiting).status).toBe(0);
});

test("A1: a taken name, a requested one and a free one get the same answer", async () => {
  const before = await desk.accountsFile();
  const answers = [
    await desk.register("ann"),
    await desk.register("bob"),
    await desk.register("cem"),
  ];
  await desk.scene.run(["register", desk.server.target("bob"), "--password-stdin"], {
    stdin: "other\n",
    env: { FTPX_HOME: desk.scene.path("other-home") },
  });
  const texts = answers.map(({ status, stderr }) => [
    status,
    stderr.replaceAll(/ann|bob|cem/g, "N"),
  ]);

  expect(new Set(texts.map((text) => JSON.stringify(text))).size).toBe(1);
  expect((await desk.pending()).map(({ user, taken }) => [user, taken])).toEqual([
    ["ann", true],
    ["bob", false],
    ["cem", false],
    ["bob", false],
  ]);
  const taken = await desk.operate("approve", "ann");
  expect(taken.status).toBe(73);
  expect(taken.stderr).toContain("account ann exists already");
  expect(taken.stderr).toContain("hint: ftpx deny ann");
  const several = await desk.operate("approve", "bob");
  expect(several.status).toBe(64);
  expect(several.stderr).toContain("say which with --request (2, 4)");
  expect(await desk.accountsFile()).toEqual(before);
  expect((await desk.operate("approve", "bob", "--request", "4")).status).toBe(0);
  expect((await desk.operate("approve", "bob", "--request", "2")).status).toBe(73);
  expect((await desk.operate("deny", "nobody")).status).toBe(66);
  const other = { env: { FTPX_PASSWORD: "other" } };
  expect((await desk.scene.run(["quota", desk.server.target("bob")], other)).status).toBe(0);
});

test("I2: names that are no names are refused by client and server, and nothing is kept", async () => {
  const before = await desk.accountsFile();
  const names = ['a"]\n[users.root]\nadmin=true', "__proto__", "", "Ann", "../x", "a\0", "a "];
  for (const user of names) {
    expect(await outcomeOf(desk.send({ user }))).toBe("BAD_REGISTRATION");
    const words = ["register", `127.0.0.1:${desk.server.port}`, "--password-stdin", "--accept-new"];
    const env = { FTPX_USER: user.replaceAll("\0", "\u0001") || "A" };
    expect((await desk.scene.run(words, { stdin: "pw\n", env })).status).toBe(64);
  }
  expect(await outcomeOf(desk.send({ user: "\ud800" }))).toBe("BAD_REGISTRATION");

  expect(await desk.pending()).toEqual([]);
  expect(await desk.accountsFile()).toEqual(before);
  await desk.register("a.b");
  expect((await desk.operate("approve", "a.b")).status).toBe(0);
  expect(String(await desk.accountsFile())).toContain('[users."a.b"]');
  expect((await desk.quotaAs("a.b")).status).toBe(0);
});

test("I2, P6: a note is kept to the letter and shown without effect", async () => {
  const note = `${HOSTILE}'); DROP TABLE registrations; --\n[users.root]`;
  await desk.send({ note });
  const table = await desk.operate("pending");

  expect((await desk.pending())[0]?.["note"]).toBe(note);
  expect(table.stdout).toContain("\\x1b[2J");
  expect(table.stdout).not.toMatch(UNSAFE);
  expect(table.stdout.trim().split("\n").length).toBe(2);
  expect((await desk.register("bob", "--note", "x".repeat(201))).status).toBe(64);
});

test("what is no verifier is refused, and a connection may ask a few times only", async () => {
  expect(await outcomeOf(desk.send({ verifier: "plain" }))).toBe("BAD_REGISTRATION");
  expect(await outcomeOf(desk.send({ verifier: VERIFIER.replace("m=19456", "m=99999999") }))).toBe(
    "BAD_REGISTRATION",
  );
  expect(await outcomeOf(desk.send({ ticket: new Uint8Array(3) }))).toBe("BAD_REGISTRATION");
  const client = await greeted(desk.server);
  for (let index = 0; index < REGISTRATION_CALLS_MAX; index += 1) {
    const { outcome } = await client.call("awaitRegistration", { ticket: new Uint8Array(16) });
    expect(outcome).toBe("unknown");
  }
  const call = client.call("awaitRegistration", { ticket: new Uint8Array(16) });
  expect(await outcomeOf(call)).toBe("TOO_MANY_REQUESTS");
  client.close();
  expect(await desk.pending()).toEqual([]);
});

test("A9: a source has so many requests waiting, after a restart too", async () => {
  const before = await desk.accountsFile();
  for (let index = 0; index < SOURCE_WAITING_MAX; index += 1) {
    await desk.send({ user: `user${index}` });
  }
  const { status, stderr } = await desk.register("late");
  await desk.server.stop();
  desk.server = await desk.scene.serve();

  expect(status).toBe(75);
  expect(stderr).toContain("too many requests for an account came from your address");
  expect((await desk.register("late")).status).toBe(75);
  expect((await desk.pending()).length).toBe(SOURCE_WAITING_MAX);
  expect(await desk.accountsFile()).toEqual(before);
  expect((await desk.operate("deny", "--from", "192.0.2.1")).status).toBe(66);
  expect((await desk.operate("deny", "--from", "127.0.0.1", "--json")).stdout).toContain("user31");
  expect(await desk.pending()).toEqual([]);
  expect((await desk.operate("deny")).status).toBe(64);
  expect((await desk.register("late")).status).toBe(0);
});

test("registration with an invite only, and off", async () => {
  const { stdout } = await desk.operate("invite", "--json");
  const { code } = JSON.parse(stdout) as { code: string };
  await desk.server.stop();
  desk.server = await desk.scene.serve("--registration", "off");
  const off = [await desk.register("bob"), await desk.register("bob", "--invite", code)];
  expect((await desk.operate("invite")).status).toBe(78);
  await desk.server.stop();
  desk.server = await desk.scene.serve("--registration", "invite");
  const open = await desk.register("bob");

  for (const { status, stderr } of [...off, open]) {
    expect(status).toBe(77);
    expect(stderr).toContain("this server takes no requests for an account");
  }
  expect(await desk.pending()).toEqual([]);
  expect((await desk.register("bob", "--invite", code)).status).toBe(0);
  expect((await desk.scene.run(["serve", "--registration", "closed"])).status).toBe(64);
});

test("without a server the operator answers all the same, and invites", async () => {
  await desk.register("bob");
  await desk.register("cem");
  await desk.server.stop();
  expect((await desk.pending()).length).toBe(2);
  expect((await desk.operate("approve", "bob", "--files", "9")).status).toBe(0);
  expect((await desk.operate("deny", "cem", "--reason", "no")).status).toBe(0);
  const { status, stdout } = await desk.operate(
    "invite",
    "--json",
    "--host",
    "files.example.org:1234",
  );
  expect(status).toBe(0);
  expect(stdout).toContain("ftpx://files.example.org:1234#sha256:");
  desk.server = await desk.scene.serve();

  expect((await desk.quotaAs("bob")).status).toBe(0);
  expect(String(await desk.accountsFile())).toMatch(/\[users\.bob\][^[]*files *= 9/);
  const elsewhere = await desk.scene.run(["pending", "--data", desk.scene.path("nowhere")]);
  expect(elsewhere.status).toBe(78);
});

test("a crash between accounts.toml and the answer is finished at the next start", async () => {
  await desk.register("bob");
  await desk.server.kill();
  // The state as it was before the answer, and accounts.toml as it is after it.
  const file = `${desk.scene.data}/storage/.ftpx/state.sqlite`;
  const before = new Database(file);
  const row = before.query("SELECT * FROM registrations").get() as Record<string, string>;
  before.close();
  expect((await desk.operate("approve", "bob")).status).toBe(0);
  const after = new Database(file);
  after.run("UPDATE registrations SET outcome = 'pending', verifier = ?", [row["verifier"] ?? ""]);
  after.close();
  await desk.serveAgain();
  await desk.server.event("registration-decided");

  expect(await desk.pending()).toEqual([]);
  expect((await desk.register("bob")).stderr).toContain("the account bob is there");
});

test("serve says in words how a request is answered", async () => {
  await desk.server.stop();
  const child = desk.scene.start([
    "serve",
    "--data",
    desk.scene.data,
    "--listen",
    `127.0.0.1:${desk.server.port}`,
  ]);
  const told = Promise.withResolvers<string>();
  const read = async () => {
    for await (const line of linesOf(child.stderr))
      if (line.includes("approve")) told.resolve(line);
  };
  void read();
  for await (const line of linesOf(child.stdout)) if (line.includes("listening")) break;
  await desk.register("bob");

  expect(await told.promise).toBe(`    to answer: ftpx approve bob --data ${desk.scene.data}`);
});
