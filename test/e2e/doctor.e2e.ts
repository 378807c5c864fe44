/** `ftpx doctor` finds each fault that is planted, says what can be done, and leaves nothing. */
import { afterEach, beforeEach, expect, setSystemTime, test } from "bun:test";
import { chmod, lchown, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HOME, resolvePath } from "../../src/base/path.ts";
import { compareClocks } from "../../src/cli/probe.ts";
import { jsonLines } from "../support/jsonlines.ts";
import { BINARY, freshAddress, Scene } from "./binary.ts";
import type { Ran, Server } from "./binary.ts";
import { signedIn } from "./wire.ts";

const PASSWORD = "correct horse";
const ENV = { FTPX_PASSWORD: PASSWORD };
const isRoot = process.getuid?.() === 0;

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.begin();
});

afterEach(async () => {
  setSystemTime();
  await scene.end();
});

interface Told {
  readonly status: number;
  /** `SUBJECT VERDICT`, without those that are well. */
  readonly wrong: string[];
  of(subject: string): Record<string, unknown>;
}

function toldBy({ status, stdout }: Ran): Told {
  const events = jsonLines(stdout);
  expect(events.at(-1)).toMatchObject({ event: "diagnosed", exit: status });
  const examined = events.filter(({ event }) => event === "examined");
  const wrong = examined.filter(({ verdict }) => verdict !== "ok");
  return {
    status,
    wrong: wrong.map(({ subject, verdict }) => `${String(subject)} ${String(verdict)}`),
    of: (wanted) => examined.find(({ subject }) => subject === wanted) ?? {},
  };
}

/** Whatever this machine's own clock, disk and limits are worth. */
const OF_THIS_MACHINE = /^(?:clock warning|disk warning|descriptors warning)$/;

async function atServer(): Promise<Told> {
  const told = toldBy(await scene.operate("doctor", "--json"));
  return { ...told, wrong: told.wrong.filter((line) => !OF_THIS_MACHINE.test(line)) };
}

async function from(target: string, ...words: string[]): Promise<Told> {
  return toldBy(await scene.run(["doctor", "--json", ...words, target], { env: ENV }));
}

/** Another program around it. */
async function around(...words: string[]): Promise<Told> {
  const child = Bun.spawn(words, { stdout: "pipe", stderr: "inherit" });
  const [stdout, status] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  return toldBy({ status, stdout, stderr: "" });
}

function ours(...names: string[]): string {
  return join(scene.data, "storage/.ftpx", ...names);
}

async function begun(): Promise<void> {
  await scene.addUser("ann", PASSWORD);
  await (await scene.serve()).stop();
}

test("a server that is well is found well, running or not, and for people too", async () => {
  await scene.addUser("ann", PASSWORD);
  const server = await scene.serve();
  const running = await atServer();
  expect([running.wrong, running.status]).toEqual([[], 0]);
  expect(running.of("server")["text"]).toBe("answers, 0 sessions");
  expect(running.of("identity")["fingerprint"]).toBe(server.fingerprint);
  await server.stop();
  expect((await atServer()).wrong).toEqual(["server warning"]);

  const { stdout, status } = await scene.operate("doctor");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^ok {7}accounts {8}1 account$/m);
  expect(stdout).toMatch(/^warning {2}server {10}none is running here\n {25}hint: ftpx serve/m);
  expect(stdout).not.toContain("\x1b");
});

test("where no server ever was nothing is made", async () => {
  expect((await atServer()).status).toBe(78);
  expect(await readdir(scene.folder)).not.toContain("data");
  await Bun.write(join(scene.data, "x"), "");
  expect((await atServer()).wrong).toEqual(["server skipped"]);
  expect(await readdir(scene.data)).toEqual(["x"]);
});

test("a mistake in accounts.toml, and nobody in it", async () => {
  await begun();
  const file = join(scene.data, "accounts.toml");
  const text = await readFile(file, "utf8");
  await writeFile(file, `${text}\n[users.bob]\nquoat = 1\n`);
  const told = await atServer();
  expect([told.wrong, told.status]).toEqual([["accounts failure", "server warning"], 78]);
  expect(told.of("accounts")["text"]).toMatch(/accounts\.toml:\d+:1: /);
  await writeFile(file, "[users]\n");
  expect((await atServer()).wrong).toContain("accounts warning");
});

test("modes that let others in, a key that others can read, a key that is gone", async () => {
  await begun();
  for (const [path, mode, wrong, status] of [
    [join(scene.data, "accounts.toml"), 0o644, "permissions warning", 0],
    [join(scene.data, "storage"), 0o755, "permissions warning", 0],
    [ours(), 0o711, "permissions warning", 0],
    [ours("identity.key"), 0o640, "identity failure", 78],
  ] as const) {
    await chmod(path, mode);
    const told = await atServer();
    expect([path, told.wrong, told.status]).toEqual([path, [wrong, "server warning"], status]);
    expect(
      String(told.of(wrong.split(" ")[0] ?? "")["hint"] ?? told.of("identity")["text"]),
    ).toMatch(/chmod (?:600|700)/);
    await chmod(path, path.endsWith("key") || path.endsWith("toml") ? 0o600 : 0o700);
  }
  await rm(ours("identity.crt"));
  expect((await atServer()).wrong).toEqual(["identity warning", "server warning"]);
  await rm(ours("identity.key"));
  const gone = await atServer();
  expect([gone.wrong, gone.status]).toEqual([["identity failure", "server warning"], 78]);
});

test("what is no home is nothing to find fault with, as in a disk that is all of storage/", async () => {
  await begun();
  await mkdir(join(scene.data, "storage/lost+found"), { mode: 0o500 });
  await writeFile(join(scene.data, "storage/NOTES"), "");
  const told = await atServer();
  expect([told.wrong, told.status]).toEqual([["server warning"], 0]);
  expect(told.of("file system")["text"]).toBe("one for unfinished uploads and 1 home");
});

test.skipIf(!isRoot)("files and homes that do not belong to the server's user", async () => {
  await begun();
  await lchown(ours("state.sqlite-spare"), 54_321, 54_321);
  const told = await atServer();
  expect([told.wrong, told.status]).toEqual([["permissions failure", "server warning"], 78]);
  expect(told.of("permissions")["hint"]).toContain("chown -R --reference=");
  await lchown(ours("state.sqlite-spare"), 0, 0);
  await lchown(join(scene.data, "storage/ann"), 54_321, 54_321);
  expect((await atServer()).of("permissions")["hint"]).toBe("as root: ftpx check --fix");
});

test("a damaged database", async () => {
  await begun();
  const file = ours("state.sqlite");
  await rm(`${file}-wal`, { force: true });
  const bytes = await readFile(file);
  bytes.fill(0xff, 100, 3000);
  await writeFile(file, bytes);
  const told = await atServer();

  expect([told.wrong, told.status]).toEqual([["server warning", "state failure"], 78]);
  expect(told.of("state")["hint"]).toContain("ftpx check --fix");
});

test.skipIf(!isRoot)("a full disk, few inodes, a home on another disk", async () => {
  await begun();
  const mounted = async (options: string, place: string) => {
    const mount = `mount -t tmpfs -o ${options} none "$0" && exec "$@"`;
    const words = [BINARY, "doctor", "--json", "--data", scene.data];
    return await around("unshare", "--mount", "sh", "-c", mount, place, ...words);
  };
  const full = await mounted("size=2m", scene.data);
  expect([full.of("disk")["verdict"], full.status]).toEqual(["failure", 73]);
  const few = await mounted("size=8g,nr_inodes=50", scene.data);
  expect(few.of("disk")["text"]).toMatch(/^only \d+ more files fit$/);
  const other = await mounted("size=1m", join(scene.data, "storage/ann"));
  expect([other.of("file system")["verdict"], other.status]).toEqual(["failure", 78]);
});

test("too few descriptors, and a kernel without openat2", async () => {
  await begun();
  const words = [BINARY, "doctor", "--json", "--data", scene.data];
  const limited = (limit: string) =>
    around("sh", "-c", `ulimit -n ${limit}; exec "$0" "$@"`, ...words);
  expect((await limited("1000")).of("descriptors")).toMatchObject({
    verdict: "warning",
    sessions: 372,
  });
  expect((await limited("1000")).status).toBe(0);
  const none = await limited("200");
  expect([none.of("descriptors")["verdict"], none.status]).toEqual(["failure", 78]);
  const fits = await around(
    "sh",
    "-c",
    `ulimit -n 1000; exec "$0" "$@"`,
    ...words,
    "--max-sessions",
    "372",
  );
  expect(fits.of("descriptors")["verdict"]).toBe("ok");

  const inject = [
    "strace",
    "-f",
    "-qq",
    "-o",
    scene.path("trace"),
    "-e",
    "inject=openat2:error=ENOSYS",
  ];
  const old = await around(...inject, ...words);
  expect(old.of("kernel")["verdict"]).toBe("warning");
});

test("a server that does not answer", async () => {
  await scene.addUser("ann", PASSWORD);
  const server = await scene.serve();
  server.process.kill("SIGSTOP");
  const told = await atServer();
  server.process.kill("SIGCONT");

  expect([told.wrong, told.status]).toEqual([["server failure"], 75]);
});

/** As it was before. */
async function expectNothingLeft(server: Server): Promise<void> {
  const { stdout } = await scene.run(["ls", "-a", server.target("ann")], { env: ENV });
  expect(stdout).toBe("");
  const { stdout: rest } = await scene.run(["unfinished", server.target("ann")], { env: ENV });
  expect(rest).toBe("");
  expect(await readdir(ours("parts"))).toEqual([]);
}

test("the way to a server that is well, with speed and without; nothing is left there", async () => {
  await scene.addUser("ann", PASSWORD);
  const server = await scene.serve();
  const told = await from(server.target("ann"));
  expect([told.wrong, told.status]).toEqual([[], 0]);
  expect(told.of("TLS")).toMatchObject({ version: "1.3", alpn: "ftpx/1" });
  expect(told.of("clock")["aheadMs"]).toBeNumber();
  expect(told.of("round trip")["medianMs"]).toBeNumber();
  expect(Number(told.of("speed")["putRate"])).toBeGreaterThan(0);
  expect(Number(told.of("speed")["getRate"])).toBeGreaterThan(0);
  await expectNothingLeft(server);
  expect((await from(server.target("ann"), "--no-speed")).of("speed")).toEqual({});
  await expectNothingLeft(server);
  // Interrupted in the middle of it.
  const child = scene.start(["doctor", server.target("ann")], { env: ENV });
  for await (const bytes of child.stdout) {
    if (new TextDecoder().decode(bytes).includes("round trip")) break;
  }
  child.kill("SIGINT");
  await child.exited;
  await expectNothingLeft(server);
});

test("a name, a port, a server of another kind", async () => {
  for (const [target, wrong, status] of [
    ["ann@nowhere.invalid", "name failure", 69],
    ["ann@127.0.0.1:1", "reachable failure", 69],
  ] as const) {
    const told = await from(target);
    expect([target, told.wrong, told.status]).toEqual([target, [wrong], status]);
  }
  const other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("") });
  const told = await from(`ann@127.0.0.1:${other.port}`);
  await other.stop(true);
  expect([told.wrong, told.status]).toEqual([["TLS failure"], 76]);
});

test("a key that is unknown, known, changed", async () => {
  await scene.addUser("ann", PASSWORD);
  const server = await scene.serve();
  const target = `ann@127.0.0.1:${server.port}`;
  const unknown = await from(target);
  expect([unknown.wrong, unknown.status]).toEqual([["key warning", "sign-in skipped"], 0]);
  expect((await from(target, "--accept-new")).wrong).toEqual(["key warning"]);
  expect((await from(target)).wrong).toEqual([]);
  await Bun.write(
    scene.path("home/known_servers"),
    `127.0.0.1:${server.port} sha256:${"A".repeat(43)}\n`,
  );
  const changed = await from(target);
  expect([changed.wrong, changed.status]).toEqual([["key failure"], 77]);
  expect(changed.of("key")["error"]).toBe("CHANGED_KEY");
  expect((await from(server.target("ann"))).of("key")["error"]).toBe("OTHER_KEY");
});

test("a wrong password, none, nobody; accounts that could not remove what was made", async () => {
  await scene.addUser("ann", PASSWORD, "--quota", "100 KiB");
  await scene.addUser("reader", PASSWORD, "--access", "read-only");
  await scene.addUser("sender", PASSWORD, "--access", "upload-only");
  const server = await scene.serve();
  const wrong = await scene.run(["doctor", "--json", server.target("ann")], {
    env: { FTPX_PASSWORD: "wrong" },
  });
  expect([toldBy(wrong).wrong, wrong.status]).toEqual([["sign-in failure"], 77]);
  const none = toldBy(await scene.run(["doctor", "--json", server.target("ann")]));
  expect([none.wrong, none.status]).toEqual([["sign-in skipped"], 0]);
  const nobody = await from(server.target("ann").replace("ann@", ""));
  expect([nobody.wrong, nobody.status]).toEqual([["sign-in skipped"], 0]);
  for (const user of ["reader", "sender"]) {
    const told = await from(server.target(user));
    expect([user, told.wrong, told.status]).toEqual([user, ["clock skipped", "speed skipped"], 0]);
    expect(await readdir(join(scene.data, "storage", user))).toEqual([]);
  }
  const poor = await from(server.target("ann"));
  expect([poor.wrong, poor.status]).toEqual([["speed failure"], 73]);
  expect(poor.of("speed")["hint"]).toBe("--no-speed leaves this out");
  await expectNothingLeft(server);
});

test("the way to a server is looked at from the address that was named", async () => {
  await scene.addUser("ann", PASSWORD);
  const target = (await scene.serve()).target("ann");
  expect((await from(target, "--no-speed", "--bind", freshAddress())).wrong).toEqual([]);
  expect((await from(target, "--bind", "192.0.2.7")).wrong).toEqual(["reachable failure"]);
});

test("a server whose clock is another one", async () => {
  await scene.addUser("ann", PASSWORD);
  const server = await scene.serve();
  const client = await signedIn(server, "ann", PASSWORD);
  const line = { remote: client, signal: new AbortController().signal };
  for (const [aheadMs, verdict, text] of [
    [0, "ok", "the server's clock agrees with this one"],
    [3_600_000, "warning", "behind this one"],
    [-3_600_000, "warning", "ahead of this one"],
  ] as const) {
    setSystemTime(new Date(Date.now() + aheadMs));
    const seen = await compareClocks(line, resolvePath(HOME, `/at${aheadMs}`));
    setSystemTime();
    expect([aheadMs, seen.verdict]).toEqual([aheadMs, verdict]);
    expect(seen.text).toContain(text);
  }
  client.close();
});
