/**
 * What the server's process may do and what it leaves: nothing executed, nothing readable by
 * others, no memory in core files, no variable that takes it over; as an ordinary user too.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmod, chown, copyFile, lstat, mkdir, readdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { BINARY, makeFile, Scene, Server } from "./binary.ts";
import type { Ran } from "./binary.ts";

const PASSWORD = "correct horse";
const ENV = { FTPX_PASSWORD: PASSWORD };
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
const ROOT_DIR = join(import.meta.dir, "../..");

type Child = Subprocess<"ignore", "pipe", "pipe">;

let scene: Scene;
let children: Child[];

beforeEach(async () => {
  scene = await Scene.begin();
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  await scene.end();
});

/** Another program around the executable: a tracer, another user, another umask. */
function start(words: readonly string[], env: Record<string, string> = {}): Child {
  const own = {
    PATH: process.env["PATH"] ?? "",
    HOME: scene.folder,
    FTPX_HOME: scene.path("home"),
  };
  const child: Child = Bun.spawn([...words], {
    cwd: scene.folder,
    env: { ...own, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  children.push(child);
  return child;
}

async function run(words: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const child = start(words, env);
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, stdout, stderr };
}

function serveWords(binary = BINARY): string[] {
  return [binary, "serve", "--json", "--data", scene.data, "--listen", "127.0.0.1:0"];
}

/** What `/proc` tells of a process. */
async function told(pid: number, file: string, line: RegExp): Promise<string | undefined> {
  return line.exec(await readFile(`/proc/${pid}/${file}`, "utf8"))?.[1];
}

async function expectDone(words: readonly string[], env: Record<string, string> = ENV) {
  const { status, stderr } = await scene.run(words, { env });
  expect([words[0], stderr.includes("ftpx:") ? stderr : "", status]).toEqual([words[0], "", 0]);
}

/** What users and the operator do with a server between its start and its end. */
async function workADay(server: Server): Promise<void> {
  const { data } = scene;
  await mkdir(scene.path("tree", "below"), { recursive: true });
  makeFile(scene.path("tree", "below", "a"), 9_000_000);
  makeFile(scene.path("tree", "b"), 10);
  await server.reloadAfter(() => scene.addUser("bob", PASSWORD));
  const there = server.target("bob", "/tree");
  await expectDone(["put", scene.path("tree", "below", "a"), server.target("bob", "/f; touch x")]);
  await expectDone(["sync", scene.path("tree"), there]);
  await expectDone(["get", "-r", there, scene.path("back")]);
  await expectDone(["sync", "--delete", there, scene.path("back")]);
  for (const [verb, ...rest] of [
    ["ls", server.target("bob")],
    ["sha256", server.target("bob", "/f; touch x")],
    ["cp", server.target("bob", "/f; touch x"), server.target("bob", "/$(id)")],
    ["mv", server.target("bob", "/$(id)"), server.target("bob", "/`id`")],
    ["rm", server.target("bob", "/`id`")],
    ["quota", server.target("bob")],
  ] as const) {
    await expectDone([verb, ...rest]);
  }
  await expectDone(["register", server.target("carl"), "--note", "$(touch x)"]);
  await server.reloadAfter(() => expectDone(["approve", "carl", "--data", data], {}));
  await expectDone(["ls", server.target("carl")]);
  const wrong = await scene.run(["ls", server.target("bob")], { env: { FTPX_PASSWORD: "wrong" } });
  expect(wrong.status).toBe(77);
  const log = join(data, "storage/.ftpx/audit.log");
  await rename(log, `${log}.1`);
  server.process.kill("SIGHUP");
  await server.reloadAfter(() =>
    expectDone(["usermod", "bob", "--quota", "1 GiB", "--data", data]),
  );
  await expectDone(["who", "--data", data]);
  await expectDone(["check", "--data", data]);
  await expectDone(["drain", "--data", data]);
  await server.process.exited;
}

/** Files that were opened to be written, by what strace tells with `-y`. */
function writtenFiles(lines: readonly string[]): string[] {
  const begun = new Map<string, string>();
  const written = new Set<string>();
  for (const line of lines) {
    const thread = line.split(" ")[0] ?? "";
    // A call that others interrupted stands in two lines; the first has its flags.
    if (line.includes("<unfinished ...>")) begun.set(thread, line);
    const call = line.includes(" resumed>") ? `${begun.get(thread) ?? ""}${line}` : line;
    const path = /\) = \d+<(.+)>$/.exec(call)?.[1];
    if (path !== undefined && /O_WRONLY|O_RDWR|O_CREAT/.test(call)) written.add(path);
  }
  return [...written];
}

test("I1, V20: over a whole day the server executes nothing and writes nothing elsewhere", async () => {
  const trace = scene.path("trace");
  const calls = "trace=execve,execveat,open,creat,openat,openat2";
  const words = ["strace", "-f", "-y", "-qq", "-e", calls, "-o", trace];
  await workADay(await Server.open(start([...words, ...serveWords()])));

  const lines = (await readFile(trace, "utf8")).split("\n");
  const executed = lines.filter((line) => /execve(?:at)?\(/.test(line));
  // The canaries: the trace saw its own beginning, and what the server did.
  expect(executed).toHaveLength(1);
  expect(executed[0]).toContain("ftpx");
  const written = writtenFiles(lines);
  expect(written.filter((path) => path.startsWith(join(scene.data, "storage/.ftpx/")))).not.toEqual(
    [],
  );
  const elsewhere = written.filter((path) => !path.startsWith(`${scene.data}/`));
  expect(elsewhere.filter((path) => path !== "/dev/null")).toEqual([]);
});

test("I1: no thread of the server can execute anything or gain rights", async () => {
  const { process: child } = await scene.serve();
  for (const thread of await readdir(`/proc/${child.pid}/task`)) {
    const status = `task/${thread}/status`;
    expect(await told(child.pid, status, /^NoNewPrivs:\s*(\d)/m)).toBe("1");
    // 2: a filter of system calls; test/cli/confinement.test.ts has what it does.
    expect(await told(child.pid, status, /^Seccomp:\s*(\d)/m)).toBe("2");
  }
});

test.each(["000", "022", "0777"])(
  "what server and commands make is private, whatever umask they inherit: %s",
  async (umask) => {
    const shell = ["sh", "-c", `umask ${umask}; exec "$@"`, "sh"];
    const server = await Server.open(start([...shell, ...serveWords()]));
    const words = ["useradd", "ann", "--data", scene.data];
    await server.reloadAfter(() => run([...shell, BINARY, ...words], ENV));
    await Bun.write(scene.path("f"), "content");
    await expectDone(["mkdir", server.target("ann", "/e")]);
    await expectDone(["put", scene.path("f"), server.target("ann", "/e/f")]);
    expect(await server.stop()).toBe(0);

    const names = await readdir(scene.data, { recursive: true });
    expect(names).toContain("storage/ann/e/f");
    expect(names).toContain("storage/.ftpx/identity.key");
    for (const name of names) {
      const { mode } = await lstat(join(scene.data, name));
      expect([name, (mode & 0o077).toString(8)]).toEqual([name, "0"]);
    }
  },
);

test("a key that others can read stops the start, with 78 and what to do", async () => {
  expect(await (await scene.serve()).stop()).toBe(0);
  await chmod(join(scene.data, "storage/.ftpx/identity.key"), 0o640);
  const { status, stderr } = await run(serveWords());

  expect(status).toBe(78);
  expect(stderr).toContain("identity.key can be read by others; chmod 600 it");
});

async function cores(): Promise<string[]> {
  return (await readdir(scene.folder)).filter((name) => name.startsWith("core"));
}

test("memory with keys in it becomes no core file, of the server and of a client", async () => {
  const shell = ["sh", "-c", 'ulimit -c unlimited 2>/dev/null; exec "$@"', "sh"];
  const pattern = (await readFile("/proc/sys/kernel/core_pattern", "utf8")).trim();
  const server = await Server.open(start([...shell, ...serveWords()]));
  await server.reloadAfter(() => scene.addUser("ann", PASSWORD));
  expect(await told(server.process.pid, "limits", /^Max core file size\s+(\d+\s+\d+)/m)).toMatch(
    /^0\s+0$/,
  );
  const client = start([...shell, BINARY, "connect", server.target("ann")], ENV);
  await server.event("login");
  client.kill("SIGQUIT");
  server.process.kill("SIGQUIT");
  await Promise.all([client.exited, server.process.exited]);
  expect(await cores()).toEqual([]);

  // The canary: other programs leave one here.
  if (!/^core[^/|]*$/.test(pattern)) return;
  const sleeping = start([...shell, "sleep", "60"]);
  await Bun.sleep(100);
  sleeping.kill("SIGQUIT");
  await sleeping.exited;
  expect(await cores()).toHaveLength(1);
});

test("R23: no variable of the runtime's makes the executable load code, look or listen", async () => {
  await Bun.write(scene.path("evil.js"), `require("fs").writeFileSync("marker", "");`);
  await mkdir(scene.data);
  const evil = scene.path("evil.js");
  const before = await readdir(scene.folder);
  for (const [name, value] of [
    ["BUN_OPTIONS", `--preload ${evil}`],
    ["BUN_OPTIONS", `--import=${evil}`],
    ["BUN_OPTIONS", "--inspect=127.0.0.1:0"],
    ["BUN_OPTIONS", "--heap-prof"],
    ["BUN_OPTIONS", "--smol"],
    ["BUN_INSPECT", "ws://127.0.0.1:0"],
    ["BUN_INSPECT_PRELOAD", evil],
    ["BUN_INSPECT_NOTIFY", "unix://inspected.sock"],
    ["BUN_INSPECT_CONNECT_TO", "unix://inspected.sock"],
    ["BUN_JSC_dumpOptions", "0"],
    ["BUN_BE_BUN", "0"],
  ] as const) {
    const { status, stdout } = await run(serveWords(), { [name]: value });
    expect([name, value, status === 0, stdout.includes('"listening"')]).toEqual([
      name,
      value,
      false,
      false,
    ]);
  }
  // A profile of a process that was refused has nothing in it.
  const made = (await readdir(scene.folder)).filter((name) => !before.includes(name));
  expect(made.filter((name) => !/^(?:home|Heap\.)/.test(name))).toEqual([]);
});

test("R23: a refusal of what the runtime was told is typed, for every command", async () => {
  for (const words of [["serve"], ["users"], ["ls", "ann@127.0.0.1"], ["--version"]]) {
    const { status, stderr } = await scene.run(words, { env: { BUN_OPTIONS: "--smol" } });
    expect(status).toBe(78);
    expect(stderr).toContain("the environment variable BUN_OPTIONS changes what this program does");
    expect(stderr).toContain("hint: unset that variable, as with: env -u BUN_OPTIONS ftpx");
  }
  const { status, stdout } = await scene.run(["serve", "--json"], {
    env: { BUN_INSPECT_NOTIFY: "unix://x" },
  });
  expect(status).toBe(78);
  expect(JSON.parse(stdout)).toMatchObject({ error: "FOREIGN_RUNTIME", exit: 78 });
  // No business of a client's: it is set in every terminal of some editors, and does nothing.
  const env = { BUN_INSPECT_CONNECT_TO: "unix://x" };
  expect((await scene.run(["--version"], { env })).status).toBe(0);
});

test("R22: bunfig.toml and .env of the current directory have no effect", async () => {
  const folder = scene.path("hostile");
  await mkdir(folder);
  await Bun.write(join(folder, "evil.js"), `require("fs").writeFileSync("marker", "");`);
  await Bun.write(join(folder, "bunfig.toml"), `preload = ["./evil.js"]\n`);
  await Bun.write(join(folder, ".env"), "FTPX_USER=from-a-file\n");
  const words = ["ls", "127.0.0.1:1"];
  const ours = await scene.run(words, { cwd: folder });
  // Without a user name it does not even connect.
  expect(ours.status).toBe(64);
  expect(await readdir(folder)).not.toContain("marker");

  // The canary: a build without what turns them off obeys both.
  const bun = join(ROOT_DIR, "node_modules/.bin/bun");
  const open = scene.path("open");
  const sources = ["src/main.ts", "src/state/worker.ts", "src/store/hasher.ts"];
  const build = ["build", "--compile", ...sources.map((name) => join(ROOT_DIR, name))];
  expect((await run([bun, ...build, "--outfile", open])).status).toBe(0);
  await scene.run(["--version"], { cwd: folder });
  const child = Bun.spawn([open, ...words], { cwd: folder, stdout: "ignore", stderr: "ignore" });
  expect(await child.exited).not.toBe(64);
  expect(await readdir(folder)).toContain("marker");
});

test("R24: copied alone to another place and started from there, it does all it does", async () => {
  const binary = scene.path("elsewhere", "renamed");
  await mkdir(scene.path("elsewhere", "cwd"), { recursive: true });
  await copyFile(BINARY, binary);
  expect((await run([binary, "--version"])).stdout).toMatch(/^ftpx \d/);
  expect((await run([binary, "--help"])).stdout).toContain("serve");
  await scene.addUser("ann", PASSWORD);
  const server = await Server.open(start(serveWords(binary)));
  const sha256 = makeFile(scene.path("f"), 9_000_000);
  expect((await run([binary, "put", scene.path("f"), server.target("ann")], ENV)).status).toBe(0);
  // The worker that digests is one of the files in the executable.
  const { stdout } = await run([binary, "sha256", server.target("ann", "/f")], ENV);
  expect(stdout).toContain(sha256);
  expect(await server.stop()).toBe(0);
});

test("an identity that the client does not trust is refused whatever the environment says of TLS", async () => {
  const server = await scene.serve();
  const env = { ...ENV, NODE_TLS_REJECT_UNAUTHORIZED: "0", FTPX_USER: "ann" };
  const { status } = await scene.run(["ls", `127.0.0.1:${server.port}`], { env });

  expect(status).toBe(77);
});

test.skipIf(!isRoot)("an ordinary user's server and commands do all that root's do", async () => {
  const binary = scene.path("ftpx");
  await copyFile(BINARY, binary);
  await chmod(binary, 0o755);
  await chown(scene.folder, NOBODY, NOBODY);
  const ids = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"];
  const person = ["setpriv", ...ids, "--inh-caps=-all", "--bounding-set=-all", binary];
  const as = async (...words: string[]) => {
    const { status, stderr, stdout } = await run([...person, ...words], ENV);
    expect([words[0], status === 0 ? "" : stderr, status]).toEqual([words[0], "", 0]);
    return stdout;
  };
  await as("useradd", "ann", "--data", scene.data);
  const server = await Server.open(start([...person, ...serveWords().slice(1)]));
  const { pid } = server.process;
  // Nobody but root may look into it, and yet it reaches what it has open through /proc itself.
  expect((await lstat(`/proc/${pid}/fd`)).uid).toBe(0);
  expect(await told(pid, "status", /^Uid:\s*(\d+)/m)).toBe(String(NOBODY));
  makeFile(scene.path("f"), 9_000_000);
  await as("put", scene.path("f"), server.target("ann", "/f"));
  await as("mkdir", server.target("ann", "/d"));
  await as("mv", server.target("ann", "/f"), server.target("ann", "/d/g"));
  await as("cp", server.target("ann", "/d/g"), server.target("ann", "/h"));
  expect(await as("ls", server.target("ann", "/d"))).toContain("g");
  await as("sync", server.target("ann", "/d"), scene.path("back"));
  await as("sync", scene.path("back"), server.target("ann", "/e"));
  await as("rm", "-r", server.target("ann", "/e"));
  await as("who", "--data", scene.data);
  await as("check", "--data", scene.data);
  await as("drain", "--data", scene.data);
  expect(await server.process.exited).toBe(0);
});
