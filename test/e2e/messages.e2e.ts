/** What goes wrong is told with its path, its numbers and what to do: to people and to scripts. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { jsonLines } from "../support/jsonlines.ts";
import { Scene } from "./binary.ts";
import type { Server } from "./binary.ts";

const ENV = { FTPX_PASSWORD: "pw" };

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw", "--quota", "1 MiB");
  server = await scene.serve();
  writeFileSync(scene.path("f"), "12345");
  writeFileSync(scene.path("large"), new Uint8Array(2_000_000));
  writeFileSync(scene.path("larger"), new Uint8Array(3_000_000));
  const names = ["/a", "/b", "/d/c"];
  await scene.run(["mkdir", server.target("ann", "/d")], { env: ENV });
  for (const name of names) await scene.run(["put", "f", server.target("ann", name)], { env: ENV });
});

afterAll(() => scene.end());

const run = (...words: string[]) => scene.run(words, { env: ENV });
const at = (path: string) => server.target("ann", path);
const LONG = "n".repeat(256);

test.each([
  [() => ["mv", at("/a"), "/d"], "/d/a", "", 0],
  [() => ["mv", at("/d"), "/b"], "/b", "exists already", 73],
  [() => ["mv", at("/none"), "/x"], "/none", "no such file or directory", 66],
  [() => ["mv", at("/b"), "/none/x"], "/none/x", "no such file or directory", 66],
  [() => ["cp", at("/b"), "/none/x"], "/none/x", "no such file or directory", 66],
  [() => ["cp", at("/none"), "/x"], "/none", "no such file or directory", 66],
  [() => ["cp", "--no-clobber", at("/b"), "/d/c"], "/d/c", "exists already", 73],
  [() => ["mkdir", at("/d")], "/d", "exists already", 73],
  [() => ["rm", at("/d")], "/d", "is a directory", 73],
  [() => ["rmdir", at("/d")], "/d", "directory is not empty", 73],
  [() => ["stat", at("/b"), "/../x"], "/../x", "leads out of the home directory", 77],
  [() => ["stat", at(`/${LONG}`)], `/${LONG}`, "name or path is too long", 73],
  [() => ["mkdir", at("/b"), `/${LONG}`], `/${LONG}`, "name or path is too long", 73],
  [() => ["put", "large", at("/")], "/large", "does not fit into your quota: 2.0 MB needed", 73],
  [() => ["put", "missing", at("/")], "missing", "no such local file or directory", 66],
])("case %#: a failure names the path that it is about", async (words, path, text, status) => {
  const ran = await run(...words());
  const [first = "", ...hints] = ran.stderr.trimEnd().split("\n");

  expect(ran.status).toBe(status);
  expect(first).toStartWith(text === "" ? "" : `ftpx: ${path}: ${text}`);
  for (const hint of hints) expect(hint).toStartWith("hint: ");
});

test("a hint that is good for many files is given once", async () => {
  const many = await run("put", "large", "larger", "missing", at("/d/"));
  const shell = await scene.run(["connect", at("/")], {
    env: ENV,
    stdin: "put large\nput large\n",
  });

  expect(many.stderr.match(/^ftpx: /gm)).toHaveLength(3);
  expect(many.stderr.match(/^hint: remove something/gm)).toHaveLength(1);
  expect(shell.stderr.match(/^hint: remove something/gm)).toHaveLength(2);
});

test.each([
  [["ls", "--json", "nowhere.invalid:1/"], { error: "UNREACHABLE", exit: 69 }],
  [
    ["ls", "--json"],
    { error: "USAGE", exit: 64, message: "something is missing: ls TARGET[/PATH]…" },
  ],
  [["ls", "--json", "--lnog", "x"], { error: "USAGE", exit: 64 }],
  [["lss", "--json"], { error: "USAGE", message: 'no command "lss" (did you mean ls?)' }],
  [["usermod", "--json", "bob", "--quota", "1"], { error: "BAD_CONFIG", exit: 78 }],
  [["useradd", "--json", "Bob"], { error: "USAGE", exit: 64 }],
  [["put", "--json", "f", "a b"], { error: "USAGE", exit: 64 }],
])("with --json %j tells its failure as an object, and on stderr", async (words, facts) => {
  const ran = await scene.run(words, {
    env: { ...ENV, FTPX_USER: "ann", FTPX_DATA: scene.path("none") },
  });
  const told = JSON.parse(ran.stdout) as Record<string, unknown>;

  expect(told).toMatchObject({ event: "failed", ...facts });
  expect(told["code"]).toBeNumber();
  expect(ran.stderr).toContain(`ftpx: ${String(told["message"])}`);
  expect(told["exit"]).toBe(ran.status);
});

test("with --json each of several failures is an object with its path and its numbers", async () => {
  const ran = await run("put", "--json", "f", "large", "missing", at("/d/"));
  const told = jsonLines(ran.stdout);

  expect(told.filter(({ event }) => event === "failed")).toMatchObject([
    { path: "missing", error: "NO_LOCAL_FILE", exit: 66 },
    { path: "/d/large", error: "QUOTA_EXCEEDED", details: { neededBytes: 2_000_000 } },
  ]);
  expect(told.filter(({ event }) => event === "done")).toMatchObject([{ path: "/d/f" }]);
  expect(ran.status).toBe(73);
});

test("the lines of a script answer in JSON when they ask for it, failures too", async () => {
  const stdin = ["stat /none", "stat --json /none", "stat --jsn", "lss --json", "pwd --json"];
  const ran = await scene.run(["connect", at("/")], { env: ENV, stdin: `${stdin.join("\n")}\n` });
  const told = jsonLines(ran.stdout);

  expect(told).toMatchObject([
    { event: "failed", path: "/none", error: "NO_SUCH_PATH" },
    { event: "failed", error: "USAGE", message: 'no verb "lss" (did you mean ls?)' },
    { path: "/" },
  ]);
  expect(ran.stderr.match(/no such file/g)).toHaveLength(2);
});

test("help and the version answer in JSON too", async () => {
  const { stdout } = await scene.run(["help", "--json"]);
  const commands = jsonLines(stdout);

  for (const { name, examples } of commands) expect([name, examples]).not.toEqual([name, []]);
  expect(commands).toContainEqual(expect.objectContaining({ name: "ls", usage: "TARGET[/PATH]…" }));
  expect(JSON.parse((await scene.run(["help", "put", "--json"])).stdout)).toMatchObject({
    options: expect.arrayContaining([expect.objectContaining({ flags: "--json" })]),
  });
  expect(JSON.parse((await scene.run(["--version", "--json"])).stdout)).toHaveProperty("version");
});

/** What listens where a server should: it answers what it gets, or speaks first. */
function listen(first: string, answer: string) {
  return Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open: (socket) => void (first === "" ? 0 : socket.write(first)),
      data: (socket) => void (answer === "" ? 0 : socket.write(answer)),
    },
  });
}

test.each([
  ["a web server", "", "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"],
  ["an SSH server", "SSH-2.0-OpenSSH_9.2\r\n", ""],
  ["an FTP server", "220 ready\r\n", "500 what?\r\n"],
])("%s is told apart from ftpx at once", async (_peer, first, answer) => {
  const peer = listen(first, answer);
  const ran = await run("ls", "--accept-new", `ann@127.0.0.1:${peer.port}/`);
  peer.stop(true);

  expect(ran.stderr).toContain(`127.0.0.1:${peer.port} is not an ftpx server: it answers without`);
  expect(ran.stderr).toContain("hint: look at the host and the port");
  expect(ran.status).toBe(76);
});

test("ftpx without TLS is told too, and how it is reached", async () => {
  const plain = await Scene.begin();
  await plain.addUser("ann", "pw");
  const served = await plain.serve("--plain", "127.0.0.1:0");
  const { port } = await served.event("listening-plain");
  const ran = await run("ls", "--accept-new", `ann@127.0.0.1:${String(port)}/`);
  await plain.end();

  expect(ran.stderr).toContain("is not an ftpx server: it answers without TLS");
  expect(ran.stderr).toContain("--plain");
  expect(ran.status).toBe(76);
});
