/** The operator's day on the compiled executable: who is here, send away, stop. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { anyJsonLines } from "../support/jsonlines.ts";
import { BINARY, linesOf, Scene, sha256Of } from "./binary.ts";
import type { Server } from "./binary.ts";
import { feed, feedUnlessGone } from "./fed.ts";
import { startPut } from "./puts.ts";

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

const putSlowly = (user: string, name: string, mib: number, mibPerSecond: number) =>
  startPut(scene, name, server.target(user, `/${name}`), mib, mibPerSecond);

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
  const { status, stdout, stderr } = await scene.operate("who", "--json");
  expect([status, stderr]).toEqual([0, ""]);
  return anyJsonLines<Present>(stdout);
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
  const put = putSlowly("ann", "f", 12, 3);
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
  const { stdout } = await scene.operate("who");
  expect(stdout).toMatch(/^SESSION +USER +ADDRESS +DOOR +CLIENT +HERE FOR +IDLE FOR$/m);
  expect(stdout).toMatch(/^ +put +\/f +\d+ % +[\d.]+ MB of 12\.6 MB +[\d.]+ [kM]?B\/s$/m);

  expect((await put.ended).status).toBe(0);
  await untilSeen((sessions) => sessions.length === 0);
  expect((await scene.operate("who")).stderr).toBe("nobody is connected\n");
});

test("who --watch --json looks again and again, and Ctrl-C is a good end", async () => {
  server = await scene.serve();
  const put = putSlowly("ann", "f", 12, 3);
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
  const put = putSlowly("ann", "f", 40, 20);
  const bystander = putSlowly("bob", "g", 12, 4);
  await Promise.all([put.begun, bystander.begun]);
  await untilSeen((sessions) =>
    movesOf(sessions).some(({ path, percent }) => path === "/f" && percent > 40),
  );
  const reason = "back at noon\u001b[2J";
  const kicked = await scene.operate("kick", "ann", "--reason", reason);
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
  const put = putSlowly("ann", "f", 12, 3);
  await put.begun;
  const [session] = await untilSeen((sessions) => movesOf(sessions).length === 1);

  const nobody = await scene.operate("kick", "bob");
  expect([nobody.status, nobody.stderr]).toEqual([66, expect.stringContaining("nobody is here")]);
  expect((await scene.operate("kick", "../x")).status).toBe(64);
  expect((await scene.operate("kick", String(session?.session), "--json")).stdout).toContain(
    '"count":1',
  );
  expect((await put.ended).status).toBe(77);
});

test("a shell whose session was kicked says why, and ends", async () => {
  server = await scene.serve();
  const shell = Bun.spawn([BINARY, "connect", server.target("ann")], {
    env: { HOME: scene.folder, FTPX_HOME: scene.path("home"), FTPX_PASSWORD: "pw" },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  await feed(shell.stdin, "mkdir /d\n");
  await server.event("mkdir");
  expect((await scene.operate("kick", "ann", "--reason", "enough")).status).toBe(0);
  await feedUnlessGone(shell.stdin, "ls\nmkdir /e\n");

  expect(await shell.exited).toBe(77);
  const stderr = await new Response(shell.stderr).text();
  expect(stderr.split("the operator has ended this session: enough").length).toBe(2);
  const logins = server.events.filter(({ event }) => event === "login");
  expect(logins.length).toBe(1);
});

test("drain stops the server as SIGTERM does, and waits until it has let go", async () => {
  server = await scene.serve("--grace", "60s");
  const short = putSlowly("ann", "f", 6, 3);
  const long = putSlowly("bob", "g", 100, 2);
  await Promise.all([short.begun, long.begun]);
  const draining = scene.operate("drain", "--grace", "5s");
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
  await scene.operate("kick", "bob");
});

test.each([
  ["who", []],
  ["kick", ["ann"]],
  ["drain", []],
])("%s without a server says so with 69", async (command, words) => {
  const { status, stderr } = await scene.operate(command, ...words);

  expect(status).toBe(69);
  expect(stderr).toContain("no server is running");
});
