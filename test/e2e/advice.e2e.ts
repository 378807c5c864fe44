/** What a person is told who has typed nearly the right thing. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, existsSync } from "node:fs";
import { chown } from "node:fs/promises";
import { BINARY, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { Screen } from "./screen.ts";

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  server = await scene.serve();
  await Bun.write(scene.path("f"), "12345");
});

afterAll(() => Screen.endAll(scene));

/** What is said on stderr to a script of ftpx connect. */
async function toldTo(...lines: string[]): Promise<string> {
  const options = { env: { FTPX_PASSWORD: "pw" }, stdin: `${lines.join("\n")}\n` };
  return (await scene.run(["connect", server.target("ann")], options)).stderr;
}

test("what stands in the way of a path is named, and not the path", async () => {
  await toldTo("mkdir -p /photos", "put f /photos/a.jpg");

  expect(await toldTo("put f /photos/a.jpg/x")).toBe("ftpx: /photos/a.jpg: is not a directory\n");
  expect(await toldTo("put f /photos/a.jpg/x/y/z")).toStartWith("ftpx: /photos/a.jpg: is not");
  expect(await toldTo("cd photos/a.jpg/x")).toStartWith("ftpx: /photos/a.jpg: is not");
  for (const verb of ["ls", "ls -l", "rm", "rm -r", "mkdir", "stat", "md5", "rmdir", "get"]) {
    const told = await toldTo(`${verb} /photos/a.jpg/x`);
    expect([verb, told]).toEqual([verb, "ftpx: /photos/a.jpg: is not a directory\n"]);
  }
  for (const verb of ["mv", "cp", "cp -r"]) {
    for (const there of ["/x", "/photos/x"]) {
      const told = await toldTo(`${verb} /photos/a.jpg/x ${there}`);
      expect([verb, told]).toEqual([verb, "ftpx: /photos/a.jpg: is not a directory\n"]);
    }
  }
  expect(await toldTo("cp -r /photos/none /x")).toStartWith("ftpx: /photos/none: no such file");
  expect(await toldTo("put f /photos/none/x")).toStartWith("ftpx: /photos/none/x: no such file");
});

test("mv and cp of a thing onto itself and into itself say the same", async () => {
  await toldTo("put f /same", "mkdir /d");
  const same = "ftpx: /same: not a usable path (source and destination are the same)\n";
  expect(await toldTo("mv same same")).toBe(same);
  expect(await toldTo("cp same same")).toBe(same);
  expect(await toldTo("mv d d")).toBe(
    "ftpx: /d: not a usable path (cannot be moved into itself)\n",
  );
  const copied = "ftpx: /d: not a usable path (cannot be copied into itself)\n";
  expect(await toldTo("cp d d")).toBe(copied);
  expect(await toldTo("cp -r d d")).toBe(copied);
});

test("ls -R, -r and -lR say what goes through trees, and it does", async () => {
  for (const option of ["-R", "-r", "-lR", "--recursive"]) {
    expect(await toldTo(`ls ${option}`)).toContain(
      "hint: a pattern goes through trees, as photos/** does",
    );
  }
  await toldTo("mkdir -p /t/u", "put f /t/u/deep");
  const options = { env: { FTPX_PASSWORD: "pw" }, stdin: "ls t/**\n" };
  const { stdout } = await scene.run(["connect", server.target("ann")], options);
  expect(stdout).toContain("deep");
});

async function hintOfPut(...words: string[]): Promise<string | undefined> {
  return (await scene.run(["put", ...words], { env: {} })).stderr.split("\n")[1];
}

test("a word that was taken for the server is told", async () => {
  expect(await hintOfPut("f", "f")).toBe(
    'hint: "f" is a file here, but stands where the server has to',
  );
  expect(await hintOfPut("f", "b.bin")).toBe('hint: "b.bin" was taken for the server');
  expect(await hintOfPut("f", "work")).toContain('there is no bookmark "work"');
  expect(await hintOfPut("f", "ann@host:/a")).toBe("hint: write ann@host/a");
});

const bookmark = (...words: string[]) => scene.run(["bookmark", ...words]);

test("bookmark alone lists, and says what is missing", async () => {
  await bookmark("add", "work", "ann@files.example.org");
  expect((await bookmark()).stdout).toBe("work  ann@files.example.org\n");
  expect((await bookmark("rm")).stderr).toBe("ftpx: NAME is missing: bookmark rm NAME\n");
  expect((await bookmark("add")).stderr).toStartWith(
    "ftpx: NAME and TARGET is missing: bookmark add",
  );
  expect((await bookmark("add", "x")).stderr).toStartWith(
    "ftpx: TARGET is missing: bookmark add NAME",
  );
  expect((await bookmark("rm", "a", "b")).stderr).toBe("ftpx: too many words: bookmark rm NAME\n");
  expect((await bookmark("remove")).status).toBe(64);
});

test("a server whose port is taken says what to do, and leaves no directory behind", async () => {
  const listen = `127.0.0.1:${server.port}`;
  const ran = await scene.run(["serve", "--data", scene.path("fresh"), "--listen", listen]);

  expect(ran.status).toBe(78);
  expect(ran.stderr).toContain(`cannot listen (--listen ${listen}): EADDRINUSE`);
  expect(ran.stderr).toContain("hint: another program, or another server, has that port");
  expect(existsSync(scene.path("fresh"))).toBeFalse();
});

test("short passwords are taken, and told where nobody types them", async () => {
  const useradd = ["useradd", "bob", "--password-stdin", "--data", scene.data];
  const added = await scene.run(useradd, { stdin: "short\n" });
  expect(added.status).toBe(0);
  expect(added.stderr.match(/a short password is taken: fewer than 8 characters/g)).toHaveLength(1);
  const env = { FTPX_PASSWORD: "long enough" };
  const set = await scene.run(["passwd", "bob", "--data", scene.data], { env });
  expect([set.status, set.stderr]).toEqual([0, "password of bob changed\n"]);
});

test.skipIf(process.getuid?.() !== 0 || Bun.which("setpriv") === null)(
  "another user of the system is told whose the server's files are",
  async () => {
    const own = await Scene.begin();
    await own.addUser("ann", "pw");
    chmodSync(own.folder, 0o755);
    chmodSync(own.data, 0o755);
    await chown(own.path("data", "storage"), 1, 1);
    const binary = own.path("ftpx");
    await Bun.write(binary, Bun.file(BINARY));
    chmodSync(binary, 0o755);
    const user = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"];
    for (const command of ["who", "users", "pending"]) {
      const words = [...user, binary, command, "--data", own.data];
      const child = Bun.spawnSync(words, { cwd: "/", env: {}, stderr: "pipe" });
      const [first = "", hint = ""] = child.stderr.toString().split("\n");
      expect([command, child.exitCode]).toEqual([command, 77]);
      expect(first).toMatch(/^ftpx: \/.*: the operating system refuses access/);
      expect(hint).toBe("hint: the server's files are daemon's: run this as that user, or as root");
    }
    await own.end();
  },
);

test("help in a narrow terminal breaks between words", async () => {
  const screen = await Screen.open(
    scene,
    `connect ${server.target("ann")}`,
    40,
    "TERM=xterm FTPX_PASSWORD=pw",
  );
  await screen.shows(/>\s*$/m);
  await screen.type("help", "Enter");
  await screen.shows(/^quit, q, exit/m);
  const text = await screen.text();
  expect(text).toMatch(/^ls {14}Lists directories and\n {16}files on the server$/m);
  await screen.close();
});
