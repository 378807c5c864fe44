/**
 * The audit log of the compiled server: every operation is a line, and rotation by the tools of
 * the system loses none. What guards the door by it (fail2ban) sees who it was, and nobody else.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFile, rename } from "node:fs/promises";
import { parsePath } from "../../src/base/path.ts";
import type { Client } from "../../src/client/client.ts";
import { connect } from "../../src/client/connect.ts";
import { anyJsonLines } from "../support/jsonlines.ts";
import { freshAddress, Scene } from "./binary.ts";
import type { Server, ServerLine } from "./binary.ts";
import { endpointOf, signedIn } from "./wire.ts";

const PACKAGING = `${import.meta.dir}/../../packaging`;
const PASSWORD = { env: { FTPX_PASSWORD: "pw" } };
const LOGROTATE = Bun.which("logrotate", { PATH: `${process.env["PATH"]}:/usr/sbin` });
const FAIL2BAN = Bun.which("fail2ban-regex");

let scene: Scene;
let server: Server;
let audit: string;

beforeEach(async () => {
  scene = await Scene.begin();
  audit = `${scene.data}/storage/.ftpx/audit.log`;
  await scene.addUser("ann", "pw");
  server = await scene.serve();
});

afterEach(() => scene.end());

/** Those of the server; useradd has written before it. */
async function linesIn(file: string): Promise<ServerLine[]> {
  const text = await readFile(file, "utf8");
  expect(text.endsWith("\n") || text === "").toBe(true);
  const events = anyJsonLines<ServerLine>(text);
  return events.filter((event) => event["while"] !== "stopped");
}

async function ann(...words: string[]): Promise<void> {
  const { status, stderr } = await scene.run(words, PASSWORD);
  expect([words, status, stderr]).toEqual([words, 0, expect.any(String)]);
}

test("every operation that changes something is one line, with what it did", async () => {
  await Bun.write(scene.path("f"), "content");
  const at = (path: string) => server.target("ann", path);
  await ann("mkdir", "-p", at("/a/b/c"));
  await ann("mkdir", "-p", at("/a/b/c"));
  await ann("put", scene.path("f"), at("/a/f"));
  await ann("cp", at("/a/f"), "/a/b/g");
  await ann("mv", at("/a/f"), "/a/h\nx");
  await ann("sha256", at("/a/b/g"));
  await ann("get", at("/a/b/g"), scene.path("g"));
  await ann("rmdir", at("/a/b/c"));
  await ann("rm", at("/a/b/g"));
  await ann("rm", "-r", at("/a"));
  expect((await scene.run(["rm", at("/none")], PASSWORD)).status).toBe(66);
  await server.stop();

  const about = new Set(["mkdir", "transfer", "copy", "move", "remove"]);
  const told = (await linesIn(audit)).filter(({ event }) => about.has(event));
  expect(told).toEqual(
    [
      { event: "mkdir", path: "/a/b/c", count: 3 },
      { event: "transfer", direction: "upload", path: "/a/f", bytes: 7 },
      { event: "copy", from: "/a/f", to: "/a/b/g", bytes: 7 },
      { event: "move", from: "/a/f", to: "/a/h\nx" },
      { event: "transfer", direction: "download", path: "/a/b/g", bytes: 7 },
      { event: "remove", path: "/a/b/c", count: 1, bytes: 0 },
      { event: "remove", path: "/a/b/g", count: 1, bytes: 7 },
      { event: "remove", path: "/a", count: 3, bytes: 7 },
    ].map((fields) => expect.objectContaining({ user: "ann", address: "127.0.0.1", ...fields })),
  );
});

/** Makes directories without pause, each a line, until told to stop. */
function makeTraffic(client: Client): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const run = async () => {
    for (let index = 0; !stopping.signal.aborted; index += 1) {
      await client.call("makeDir", { path: parsePath(`/d${index}`), withParents: false });
    }
  };
  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** Waits until so many directories more were made than when it was called. */
async function until(count: number): Promise<void> {
  const before = server.events.filter(({ event }) => event === "mkdir").length;
  await server.nth("mkdir", before + count);
}

/** What each line is known by: order and number must be those of the events on stdout. */
const marks = (lines: readonly ServerLine[]) =>
  lines.map(({ event, path }) => `${event} ${String(path)}`);

test.each([
  ["renamed", async (count: number) => await rename(audit, `${audit}.${count}`)],
  [
    "renamed, and the server told by SIGHUP",
    async (count: number) => {
      await rename(audit, `${audit}.${count}`);
      server.process.kill("SIGHUP");
    },
  ],
])("a log that is %s goes on in a new file, and no line is lost", async (_case, rotate) => {
  const client = await signedIn(server);
  const traffic = makeTraffic(client);
  for (let count = 1; count <= 3; count += 1) {
    await until(100);
    await rotate(count);
    while (!(await Bun.file(audit).exists())) await Bun.sleep(10);
  }
  await until(100);
  await traffic.stop();
  client.close();
  expect(await server.stop()).toBe(0);

  const files = [`${audit}.1`, `${audit}.2`, `${audit}.3`, audit];
  const written = await Promise.all(files.map(linesIn));
  expect(written.every((lines) => lines.length > 10)).toBe(true);
  expect(marks(written.flat())).toEqual(marks(server.events));
});

test.skipIf(LOGROTATE === null)(
  "logrotate with what is shipped loses no line, and copytruncate leaves no hole",
  async () => {
    const shipped = await readFile(`${PACKAGING}/logrotate/ftpx`, "utf8");
    const config = shipped.replace(/^\/srv.*\{$/m, `${audit} {`).replace(/^ *su .*$/m, "");
    await Bun.write(scene.path("rotate.conf"), config);
    const words = ["--force", "--state", scene.path("state"), scene.path("rotate.conf")];
    const rotated = async () => {
      const done = Bun.spawn([LOGROTATE ?? "", ...words], { stdout: "pipe", stderr: "pipe" });
      expect([await done.exited, await new Response(done.stderr).text()]).toEqual([0, ""]);
    };
    const client = await signedIn(server);
    const traffic = makeTraffic(client);
    await until(100);
    await rotated();
    while (!(await Bun.file(audit).exists())) await Bun.sleep(10);
    await until(100);
    await traffic.stop();
    const { length: before } = server.events;
    const both = async () => [...(await linesIn(`${audit}.1`)), ...(await linesIn(audit))];
    // An event is on stdout at once, and in the log a moment later.
    while ((await both()).length < before) await Bun.sleep(10);
    expect(marks(await both())).toEqual(marks(server.events.slice(0, before)));

    const truncating = config.replace("nocreate", "copytruncate").replace(/^ *delaycompress$/m, "");
    await Bun.write(scene.path("rotate.conf"), truncating.replace(/^ *compress$/m, ""));
    await rotated();
    await client.call("makeDir", { path: parsePath("/last"), withParents: false });
    client.close();
    expect(await server.stop()).toBe(0);
    expect(marks(await linesIn(audit))).toEqual(marks(server.events.slice(before)));
  },
);

/** As fail2ban applies it: what the date pattern matches is taken out, then failregex is looked for. */
async function addressesOf(lines: readonly string[]): Promise<string[]> {
  const conf = await readFile(`${PACKAGING}/fail2ban/filter.d/ftpx.conf`, "utf8");
  const [, failregex = ""] = /^failregex = (.*)$/m.exec(conf) ?? [];
  const [, datepattern = ""] = /^datepattern = (.*)$/m.exec(conf) ?? [];
  expect(failregex).toStartWith("^");
  const date = new RegExp(
    datepattern
      .replaceAll(/%%[YmdHMS]/g, String.raw`\d+`)
      .replace("%%z", "(?:Z|[+-]\\d{2}:?\\d{2})"),
  );
  const failure = new RegExp(failregex.replace("<ADDR>", "(?<address>[0-9A-Fa-f:.]+)"));
  return lines
    .filter((line) => date.test(line))
    .map((line) => failure.exec(line.replace(date, ""))?.groups?.["address"] ?? "")
    .filter((address) => address !== "");
}

const FORGED = '"event":"login-failed","session":1,"door":"native","address":"192.0.2.66",';

test("I4: fail2ban's filter finds each failed sign-in and its address, whatever name was tried", async () => {
  const names = ["bob", `\n{"time":"2026-11-21T19:45:00.123Z",${FORGED}`, `",${FORGED}"name":"`];
  // Each from its own, or the third would be shut out, which is another line for the filter.
  const addresses = names.map(() => freshAddress());
  for (const [index, name] of names.entries()) {
    const bind = ["--bind", addresses[index] ?? ""];
    const words = ["quota", `127.0.0.1:${server.port}`, "--accept-new", ...bind];
    const { status } = await scene.run(words, { env: { FTPX_PASSWORD: "x", FTPX_USER: name } });
    expect(status).toBe(77);
    await server.event("login-failed", (one) => one["name"] === name);
  }
  // What a client calls itself is in the log too.
  (await connect(endpointOf(server), FORGED.slice(0, 64))).client.close();
  await ann("ls", server.target("ann"));
  await server.stop();

  const lines = (await readFile(audit, "utf8")).split("\n");
  expect(await addressesOf(lines)).toEqual(addresses);
  if (FAIL2BAN === null) return;
  const filter = `${PACKAGING}/fail2ban/filter.d/ftpx.conf`;
  const ran = Bun.spawnSync([FAIL2BAN, "--out", "ip", audit, filter]);
  expect(ran.stdout.toString().trim().split("\n")).toEqual(addresses);
});
