/** The operator's day on the compiled executable: who is here, send away, stop. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { parsePath } from "../../src/base/path.ts";
import { DerivedKeys } from "../../src/base/scram.ts";
import type { Client } from "../../src/client/client.ts";
import { connect } from "../../src/client/connect.ts";
import { outcomeOf } from "../support/refusal.ts";
import { linesOf, makeFile, Scene, sha256Of } from "./binary.ts";
import type { Server } from "./binary.ts";

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

interface Put {
  readonly sha256: string;
  /** The server has some of it. */
  readonly begun: Promise<void>;
  readonly ended: Promise<{ status: number; stderr: string }>;
}

function startPut(user: string, name: string, mib: number, mibPerSecond: number): Put {
  const sha256 = makeFile(scene.path(name), mib * MIB, mib + name.length);
  const target = server.target(user, `/${name}`);
  const words = ["put", scene.path(name), target, "--json", "--limit", `${mibPerSecond}MiB`];
  const child = scene.start(words, PASSWORD);
  const begun = Promise.withResolvers<void>();
  const follow = async () => {
    const stderr = new Response(child.stderr).text();
    for await (const line of linesOf(child.stdout)) {
      const event = JSON.parse(line) as { event: string; bytes?: number };
      if ((event.bytes ?? 0) > 0) begun.resolve();
    }
    begun.resolve();
    return { status: await child.exited, stderr: await stderr };
  };
  return { sha256, begun: begun.promise, ended: follow() };
}

async function operate(...words: string[]) {
  return await scene.run([...words, "--data", scene.data]);
}

interface Present {
  readonly session: number;
  readonly user: string;
  readonly door: string;
  readonly transfers: readonly {
    readonly direction: string;
    readonly path: string;
    readonly percent: number;
    readonly bytesPerSecond: number;
  }[];
}

async function present(): Promise<Present[]> {
  const { status, stdout, stderr } = await operate("who", "--json");
  expect([status, stderr]).toEqual([0, ""]);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Present);
}

/** Looks until it sees what it looks for; who is asked again and again has to come to it. */
async function untilSeen(fits: (sessions: readonly Present[]) => boolean): Promise<Present[]> {
  for (;;) {
    const sessions = await present();
    if (fits(sessions)) return sessions;
  }
}

const movesOf = (sessions: readonly Present[]) => sessions.flatMap(({ transfers }) => transfers);

test("who tells what moves, how far and how fast, to people and to programs", async () => {
  server = await scene.serve();
  const put = startPut("ann", "f", 12, 3);
  await put.begun;
  const first = await untilSeen((sessions) => movesOf(sessions).length === 1);
  const [move] = movesOf(first);
  expect(first[0]).toMatchObject({ user: "ann", door: "native", address: "127.0.0.1" });
  expect(move).toMatchObject({ direction: "upload", path: "/f", totalBytes: 12 * MIB });

  const before = move?.percent ?? 100;
  const later = await untilSeen((sessions) => (movesOf(sessions)[0]?.percent ?? 0) > before);
  expect(later[0]?.session).toBe(first[0]?.session ?? 0);
  const flowing = await untilSeen((sessions) => (movesOf(sessions)[0]?.bytesPerSecond ?? 0) > 0);
  expect(movesOf(flowing)[0]?.percent).toBeWithin(1, 100);
  const { stdout } = await operate("who");
  expect(stdout).toMatch(/^SESSION +USER +ADDRESS +DOOR +CLIENT +HERE FOR +IDLE FOR$/m);
  expect(stdout).toMatch(/^ +put +\/f +\d+ % +[\d.]+ MB of 12\.6 MB +[\d.]+ [kM]?B\/s$/m);

  expect((await put.ended).status).toBe(0);
  await untilSeen((sessions) => sessions.length === 0);
  expect((await operate("who")).stderr).toBe("nobody is connected\n");
});

test("who --watch --json looks again and again, and Ctrl-C is a good end", async () => {
  server = await scene.serve();
  const put = startPut("ann", "f", 12, 3);
  await put.begun;
  const watching = scene.start(["who", "--watch", "--json", "--data", scene.data]);
  let last = 0;
  let count = 0;
  for await (const line of linesOf(watching.stdout)) {
    const { transfers } = JSON.parse(line) as Present;
    expect(transfers[0]?.percent ?? 0).toBeGreaterThanOrEqual(last);
    last = transfers[0]?.percent ?? 0;
    count += 1;
    if (count === 3) watching.kill("SIGINT");
  }

  expect(await watching.exited).toBe(0);
  expect(last).toBeGreaterThan(0);
  await put.ended;
});

test("kick ends a session with a reason, its client stays away, and the put goes on when run again", async () => {
  server = await scene.serve();
  const put = startPut("ann", "f", 40, 20);
  const bystander = startPut("bob", "g", 12, 4);
  await Promise.all([put.begun, bystander.begun]);
  await untilSeen((sessions) =>
    movesOf(sessions).some(({ path, percent }) => path === "/f" && percent > 40),
  );
  const reason = "back at noon\u001b[2J";
  const kicked = await operate("kick", "ann", "--reason", reason);
  expect([kicked.status, kicked.stderr]).toEqual([0, "1 session ended\n"]);

  const { status, stderr } = await put.ended;
  expect(status).toBe(77);
  expect(stderr).toContain(String.raw`the operator has ended this session: back at noon\x1b[2J`);
  expect(stderr).not.toContain("\u001b");
  expect(stderr).not.toContain("again in");
  expect(await server.event("kicked")).toMatchObject({ user: "ann", reason });
  expect((await bystander.ended).status).toBe(0);
  const logins = server.events.filter(({ event, user }) => event === "login" && user === "ann");
  expect(logins.length).toBe(1);

  const again = await scene.run(
    ["put", scene.path("f"), server.target("ann", "/f"), "--json"],
    PASSWORD,
  );
  expect(again.status).toBe(0);
  expect(await sha256Of(`${scene.data}/storage/ann/f`)).toBe(put.sha256);
  const stored = await server.event("transfer", ({ path }) => path === "/f");
  expect(stored["resumedAt"]).toBeGreaterThan(0);
});

test("kick takes the number of a session, and says so when there is none", async () => {
  server = await scene.serve();
  const put = startPut("ann", "f", 12, 3);
  await put.begun;
  const [session] = await untilSeen((sessions) => movesOf(sessions).length === 1);

  const nobody = await operate("kick", "bob");
  expect([nobody.status, nobody.stderr]).toEqual([66, expect.stringContaining("nobody is here")]);
  expect((await operate("kick", "../x")).status).toBe(64);
  expect((await operate("kick", String(session?.session), "--json")).stdout).toContain('"count":1');
  expect((await put.ended).status).toBe(77);
});

test("drain stops the server as SIGTERM does, and waits until it has let go", async () => {
  server = await scene.serve("--grace", "60s");
  const short = startPut("ann", "f", 6, 3);
  const long = startPut("bob", "g", 100, 2);
  await Promise.all([short.begun, long.begun]);
  const draining = operate("drain", "--grace", "5s");
  await server.event("draining");

  const during = await present();
  expect(during.map(({ user }) => user)).toContain("bob");
  const { status, stderr } = await draining;
  expect(status).toBe(0);
  expect(stderr).toBe(
    "the server drains: 2 transfers under way, up to 5.0 s\nthe server has ended\n",
  );
  expect(await server.process.exited).toBe(0);
  expect(await server.event("shutdown")).toMatchObject({ signal: "drain", clean: true });
  expect((await short.ended).status).toBe(0);
  server = await scene.serve("--listen", `127.0.0.1:${server.port}`);
  await operate("kick", "bob");
});

interface Listed {
  readonly user: string;
  readonly lastSeen: string | null;
  readonly sessionCount?: number;
  readonly unfinishedCount: number;
}

async function listed(...names: string[]): Promise<Listed[]> {
  const { stdout } = await operate("users", ...names, "--json");
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Listed);
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
  const { stdout } = await operate("users");
  expect(stdout).toMatch(/^ann .* just now\nbob .* never$/m);
  server = await scene.serve();
  expect((await listed("ann"))[0]?.lastSeen).toBe(ann?.lastSeen ?? "");
});

test("users NAME tells all about one account", async () => {
  server = await scene.serve();
  const put = startPut("ann", "f", 20, 2);
  await put.begun;
  const { stdout } = await operate("users", "ann");
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
  expect((await operate("users", "nobody")).status).toBe(66);
  await operate("kick", "ann");
  expect((await put.ended).status).toBe(77);
});

/** One connection of ann's, kept open while accounts.toml is edited. */
async function signedIn(): Promise<Client> {
  const { port, fingerprint } = server;
  const { client } = await connect({ host: "127.0.0.1", port, fingerprint, name: "test" }, "test");
  await client.signIn("ann", new DerivedKeys(() => "pw"));
  return client;
}

/** Edits accounts.toml as an editor does, and waits until the server has taken it. */
async function edit(change: (text: string) => string): Promise<void> {
  const file = `${scene.data}/accounts.toml`;
  const before = server.events.filter(({ event }) => event === "reload").length;
  const text = await Bun.file(file).text();
  const changed = change(text);
  expect(changed).not.toBe(text);
  await Bun.write(file, changed);
  await server.nth("reload", before + 1);
}

const inAnn = (line: string) => (text: string) =>
  text.replace(/^\[users\.ann\]\n/m, `[users.ann]\n${line}\n`);

test("A7: what is edited by hand holds in open sessions: quota, files, default, access", async () => {
  server = await scene.serve("--quota", "5 MiB");
  const client = await signedIn();
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
  const client = await signedIn();
  await edit(change);

  expect(await outcomeOf(client.call("quota", {}))).toBe("ACCOUNT_CLOSED");
});

test.each([
  ["who", []],
  ["kick", ["ann"]],
  ["drain", []],
])("%s without a server says so with 69", async (command, words) => {
  const { status, stderr } = await operate(command, ...words);

  expect(status).toBe(69);
  expect(stderr).toContain("no server is running");
});
