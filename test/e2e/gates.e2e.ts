/** Who gets in, and how often they may knock: the compiled server, from several addresses. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { FtpxError } from "../../src/base/errors.ts";
import { UNSIGNED_SESSIONS_MAX } from "../../src/base/limits.ts";
import { DerivedKeys } from "../../src/base/scram.ts";
import { connect, lookAt } from "../../src/client/connect.ts";
import { cpuSecondsOf } from "../support/process.ts";
import { outcomeOf } from "../support/refusal.ts";
import { freshAddress, makeFile, Scene, Server, sha256Of } from "./binary.ts";
import { endpointOf, greeted } from "./wire.ts";

const RIGHT = new DerivedKeys(() => "pw");
const WRONG = new DerivedKeys(() => "wrong");
const ENV = { env: { FTPX_PASSWORD: "pw" } };

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  await scene.addUser("bob", "pw");
});

afterEach(() => scene.end());

/** One try on a connection of its own. @returns why it failed */
async function tried(
  server: Server,
  user: string,
  keys: DerivedKeys,
  address: string,
): Promise<FtpxError | undefined> {
  try {
    const client = await greeted(server, address);
    try {
      await client.signIn(user, keys);
    } finally {
      client.close();
    }
    return undefined;
  } catch (error) {
    if (error instanceof FtpxError) return error;
    throw error;
  }
}

async function shutOut(server: Server, address: string): Promise<void> {
  for (let count = 0; count < 4; count += 1) await tried(server, "nobody", WRONG, address);
  await server.event("throttled", (event) => event["address"] === address);
}

test("A5: a shut out address is refused with 75 and the time, for every name and method", async () => {
  const server = await scene.serve();
  const address = freshAddress();
  await shutOut(server, address);
  for (const user of ["ann", "nobody", "__proto__"]) {
    const words = ["quota", server.target(user), "--bind", address, "--retries", "0"];
    const { status, stderr, stdout } = await scene.run(words, ENV);
    expect([user, status, stdout]).toEqual([user, 75, ""]);
    expect(stderr).toMatch(
      /^ftpx: too many failed sign-ins, from your address or for this account$/m,
    );
    expect(stderr).toMatch(/^hint: until then the right password is refused too$/m);
    expect(stderr).toMatch(/^hint: try again in [\d.]+ s$/m);
  }
  const facts = await scene.run(
    ["quota", server.target("ann"), "--bind", address, "--retries", "0", "--json"],
    ENV,
  );
  expect(facts.stdout).toContain('"retryAfterMs":');
  // The owner, from another address, is not concerned.
  const other = await scene.run(["quota", server.target("ann"), "--bind", freshAddress()], ENV);
  expect(other.status).toBe(0);
  const told = server.events.filter(({ event }) => event === "throttled");
  expect(told.length).toBe(1);
  // The order on which the filter of fail2ban relies.
  expect(Object.keys(told[0] ?? {}).slice(0, 5)).toEqual([
    "time",
    "event",
    "session",
    "door",
    "address",
  ]);
});

test("A5: a client that has to wait for a moment says so, waits, and signs in", async () => {
  const server = await scene.serve();
  const address = freshAddress();
  await shutOut(server, address);
  const beganMs = performance.now();
  const { status, stderr } = await scene.run(
    ["quota", server.target("ann"), "--bind", address],
    ENV,
  );

  expect(status).toBe(0);
  expect(stderr).toMatch(/too many failed sign-ins.*; again in \d+/);
  expect(performance.now() - beganMs).toBeGreaterThan(5000);
});

test("A5: who has signed in from an address gets in there, and nobody learns who that is", async () => {
  const server = await scene.serve("--metrics", "127.0.0.1:0");
  const address = freshAddress();
  expect(await tried(server, "ann", RIGHT, address)).toBeUndefined();
  await shutOut(server, address);

  expect((await tried(server, "bob", RIGHT, address))?.kind).toBe("THROTTLED");
  const guess = await tried(server, "ann", WRONG, address);
  expect(guess?.kind).toBe("THROTTLED");
  expect(guess?.details.retryAfterMs).toBeGreaterThan(1000);
  expect(await tried(server, "ann", RIGHT, address)).toBeUndefined();

  const { port } = await server.event("listening-metrics");
  const scraped = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
  expect(scraped).toContain("ftpx_throttled_sources 1\n");
  expect(scraped).toMatch(/ftpx_errors_total\{kind="THROTTLED"\} [1-9]/);
  const who = await scene.operate("who");
  expect(who.stderr).toContain("1 address is shut out for failed sign-ins");
});

test("A5: an account that is guessed at from everywhere is closed to strangers, until the operator acts", async () => {
  const server = await scene.serve();
  const home = freshAddress();
  expect(await tried(server, "ann", RIGHT, home)).toBeUndefined();
  const kinds = new Set<string | undefined>();
  for (let count = 0; count < 8; count += 1) {
    kinds.add((await tried(server, "ann", WRONG, freshAddress()))?.kind);
  }
  expect(kinds).toEqual(new Set(["SIGN_IN_REFUSED", "THROTTLED"]));
  expect((await tried(server, "ann", RIGHT, freshAddress()))?.kind).toBe("THROTTLED");
  expect(await tried(server, "ann", RIGHT, home)).toBeUndefined();
  expect(await tried(server, "bob", RIGHT, freshAddress())).toBeUndefined();

  await server.reloadAfter(() => scene.operate("usermod", "ann", "--files", "1000"));
  expect(await tried(server, "ann", RIGHT, freshAddress())).toBeUndefined();
});

test("looking at the key and asking for an account cost an address nothing to speak of", async () => {
  const server = await scene.serve();
  const address = freshAddress();
  for (let count = 0; count < 40; count += 1) await lookAt(endpointOf(server, address));
  for (let count = 0; count < 4; count += 1) {
    const words = ["register", server.target(`new${count}`), "--bind", address];
    expect((await scene.run(words, ENV)).status).toBe(0);
  }
  expect(await tried(server, "ann", RIGHT, address)).toBeUndefined();
  expect(server.events.some(({ event }) => event === "throttled")).toBe(false);
});

test("--exempt keeps an address open that many share, and no account of it", async () => {
  const server = await scene.serve("--exempt", "127.0.0.0/8", "--exempt", "::1");
  const address = freshAddress();
  for (let count = 0; count < 6; count += 1) await tried(server, "nobody", WRONG, address);
  expect(await tried(server, "ann", RIGHT, address)).toBeUndefined();
  expect((await tried(server, "nobody", WRONG, freshAddress()))?.kind).toBe("THROTTLED");
  const bad = await scene.run(["serve", "--data", scene.path("x"), "--exempt", "10.0.0.0/33"]);
  expect([bad.status, bad.stderr]).toEqual([64, expect.stringContaining("not an address or a")]);
});

test("sessions of one account are bounded; the one too many is told the number and exits with 75", async () => {
  const server = await scene.serve("--max-sessions", "8");
  const open = await Promise.all(
    [freshAddress(), freshAddress()].map(async (address) => {
      const { client } = await connect(endpointOf(server, address), "t");
      await client.signIn("ann", RIGHT);
      return client;
    }),
  );
  const words = ["quota", server.target("ann"), "--retries", "0"];
  const refused = await scene.run(words, ENV);
  expect(refused.status).toBe(75);
  expect(refused.stderr).toContain("too many sessions of this account at once: the limit is 2");
  expect((await scene.run(["quota", server.target("bob")], ENV)).status).toBe(0);
  open[0]?.close();
  expect((await scene.run(["quota", server.target("ann")], ENV)).status).toBe(0);
  for (const client of open) client.close();
});

test("sessions of one address are bounded, and others still get in", async () => {
  const server = await scene.serve("--max-sessions", "8", "--max-per-user", "8");
  const address = freshAddress();
  const open = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const client = await greeted(server, address);
      await client.signIn("ann", RIGHT);
      return client;
    }),
  );
  const refused = await scene.run(
    ["quota", server.target("bob"), "--bind", address, "--retries", "0"],
    ENV,
  );
  expect(refused.status).toBe(75);
  expect(refused.stderr).toContain(
    "too many connections from your address at once: the limit is 4",
  );
  expect((await scene.run(["quota", server.target("bob")], ENV)).status).toBe(0);
  for (const client of open) client.close();
});

/** Silent connections, and how many of them are still there. */
async function silent(server: Server, addresses: readonly string[], each: number) {
  let openCount = 0;
  const socket = { data: () => {}, error: () => {}, close: () => void (openCount -= 1) };
  const sockets = addresses.flatMap((localAddress) =>
    Array.from({ length: each }, async () => {
      const address = { hostname: "127.0.0.1", port: server.port, localAddress, socket };
      const one = await Bun.connect(address as never).catch(() => undefined);
      if (one !== undefined) openCount += 1;
      return one;
    }),
  );
  const open = await Promise.all(sockets);
  return { open, count: () => openCount };
}

test("D2: silent connections of many addresses shut nobody out, and are gone after 15 s", async () => {
  const server = await scene.serve();
  const addresses = Array.from({ length: 10 }, freshAddress);
  const { count } = await silent(server, addresses, 30);
  for (let index = 0; index < 5; index += 1) {
    expect(await tried(server, "ann", RIGHT, freshAddress())).toBeUndefined();
  }
  const deadlineMs = performance.now() + 20_000;
  while (count() > 0 && performance.now() < deadlineMs) await Bun.sleep(100);
  expect(count()).toBe(0);
  // Sixteen of each were late; two are enough.
  await server.event("throttled");
  expect((await tried(server, "ann", RIGHT, addresses[0] ?? ""))?.kind).toBe("THROTTLED");
}, 40_000);

/** As `Scene.serve`, with so many descriptors. */
async function serveWith(descriptors: number, ...options: string[]): Promise<Server> {
  const words = ["serve", "--json", "--data", scene.data, "--listen", "127.0.0.1:0", ...options];
  return await Server.open(scene.start(words, { descriptors }));
}

test("D4: with 256 descriptors and 1,000 connections a download goes on, and the server sleeps", async () => {
  const server = await serveWith(256);
  const digest = makeFile(scene.path("f"), 24 * 1024 * 1024);
  expect((await scene.run(["put", scene.path("f"), server.target("ann", "/f")], ENV)).status).toBe(
    0,
  );
  const words = ["get", server.target("ann", "/f"), scene.path("g"), "--limit", "3MiB"];
  const get = scene.start(words, ENV);
  await server.nth("login", 2);

  const { open, count } = await silent(server, Array.from({ length: 10 }, freshAddress), 100);
  const before = cpuSecondsOf(server.process.pid);
  await Bun.sleep(5000);
  const spent = cpuSecondsOf(server.process.pid) - before;
  expect(count()).toBeLessThanOrEqual(64);
  expect(spent).toBeLessThan(0.5);
  expect(await get.exited).toBe(0);
  expect(await sha256Of(scene.path("g"))).toBe(digest);
  expect(await tried(server, "ann", RIGHT, freshAddress())).toBeUndefined();
  for (const one of open) one?.terminate();
}, 60_000);

test("D4: sessions are refused at the cap that the descriptors allow, with its number", async () => {
  const server = await serveWith(256, "--max-per-user", "100", "--max-per-source", "100");
  const clients = [];
  let refusal: unknown;
  for (let count = 0; count < 80 && refusal === undefined; count += 1) {
    try {
      const client = await greeted(server);
      clients.push(client);
      await client.signIn("ann", RIGHT);
    } catch (error) {
      refusal = error;
    }
  }
  expect(refusal).toMatchObject({ kind: "SERVER_FULL", details: { limit: 64 } });
  expect(clients.length).toBe(64);
  expect(await outcomeOf(clients[0]?.call("quota", {}) ?? Promise.resolve())).toBe("none");
  for (const client of clients) client.close();
  const low = await scene.run(["serve", "--data", scene.path("low")], { descriptors: 200 });
  expect([low.status, low.stderr]).toEqual([
    78,
    expect.stringContaining("descriptor limit of 200"),
  ]);
});

test("one address that takes all places before sign-in keeps nobody else out", async () => {
  const server = await scene.serve();
  const address = freshAddress();
  const { open } = await silent(server, [address], UNSIGNED_SESSIONS_MAX);
  const refused = await outcomeOf(greeted(server, address));
  expect(refused).toBe("SERVER_FULL");
  expect(await tried(server, "ann", RIGHT, freshAddress())).toBeUndefined();
  for (const one of open) one?.terminate();
});
