/** The shell in a real terminal: tmux types, and what the screen shows is compared. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFile, stat } from "node:fs/promises";
import { BINARY, freshAddress, makeFile, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { openStage, PASSWORD, Screen } from "./screen.ts";

const MIB = 1024 * 1024;
let scene: Scene;
let server: Server;

beforeAll(async () => {
  ({ scene, server } = await openStage());
  makeFile(scene.path("big"), 200 * MIB);
});

afterAll(() => Screen.endAll(scene));

const PROMPT = /ann@127\.0\.0\.1:\d+:\/ \([^)]* free\)>\s*$/m;

test("an unknown key is asked about, and three wrong passwords end with 77", async () => {
  const words = `connect ann@127.0.0.1:${server.port} --bind ${freshAddress()}`;
  const screen = await Screen.open(scene, words);
  await screen.shows(server.fingerprint);
  await screen.type("y");
  for (let tries = 1; tries <= 3; tries += 1) {
    await screen.answer(new RegExp(`(password of ann[^]*){${tries}}`), "wrong");
  }

  const text = await screen.shows("status 77");
  expect(text.match(/sign-in refused|too many wrong passwords/g)?.length).toBeGreaterThanOrEqual(3);
  await screen.close();
});

test("R28: verbs, completion, Ctrl-C and history work, and the password shows nowhere", async () => {
  const screen = await Screen.open(scene, `connect ${server.target("ann")}`);
  await screen.answer("password of ann", PASSWORD);
  await screen.shows(PROMPT);

  await screen.type('mkdir "my dir"', "Enter");
  await screen.type('put accounts-copy "my dir/my file (1).iso"', "Enter");
  await screen.shows("no such local file or directory");
  await screen.type('put data/accounts.toml "my dir/my file (1).iso"', "Enter");
  await screen.shows(/accounts\.toml {2}.*sha256:/);
  await screen.type("md5 my", "Tab");
  await screen.shows(/md5 my\\? ?dir/);
  await screen.type("Tab");
  await screen.shows(/md5 my\\ dir\/my\\ file/);
  await screen.type("Enter");
  await screen.shows(/^[0-9a-f]{32} {2}my dir\/my file \(1\)\.iso$/m);

  await screen.type("lss", "Enter");
  await screen.shows("did you mean ls?");
  await screen.type("put big --limit 40M", "Enter");
  await screen.shows(/big .*%/);
  await Bun.sleep(1000);
  await screen.type("C-c");
  await screen.shows("interrupted");
  await screen.type("put big", "Enter");
  await screen.shows(/big {2}210 MB {2}sha256:/);
  await screen.type("q", "Enter");

  const text = await screen.shows("status 0");
  expect(text).not.toContain(PASSWORD);
  const history = await readFile(scene.path("home", "history"), "utf8");
  expect(history).toContain("put big --limit 40M");
  expect(history).not.toContain(PASSWORD);
  expect((await stat(scene.path("home", "history"))).mode & 0o777).toBe(0o600);
  await screen.close();
});

test("what is typed while a command runs is neither lost nor run twice", async () => {
  const screen = await Screen.open(scene, `connect ${server.target("ann")}`);
  await screen.answer("password of ann", PASSWORD);
  await screen.shows(PROMPT);
  await screen.type(
    "mkdir one",
    "Enter",
    "mkdir two",
    "Enter",
    "mkdir three",
    "Enter",
    "ls",
    "Enter",
    "pw",
  );
  await screen.shows("three/");
  await screen.type("d", "Enter");
  await screen.shows(/^\/$/m);
  await screen.type("q", "Enter");

  const text = await screen.shows("status 0");
  expect(text).not.toContain("exists already");
  await screen.close();
});

test("a terminal of 40 columns shows progress without wrapping it", async () => {
  const screen = await Screen.open(
    scene,
    `put big ${server.target("ann", "/narrow")} --limit 40M`,
    40,
  );
  await screen.answer("password of ann", PASSWORD);

  const text = await screen.shows(/\d+ ?%/);
  expect(text.split("\n").filter((line) => /\d+ ?%/.test(line)).length).toBeLessThanOrEqual(2);
  await screen.type("C-c");
  await screen.shows("status 130");
  await screen.close();
});

test("what is typed behind a Tab waits for what the Tab finds, and behind a line for the line", async () => {
  const screen = await signedIn();
  await screen.type("mkdir photos", "Enter");
  await screen.type("mkdir photos/2026-02", "Enter", "mkdir photos/2026-02/a", "Enter");
  await screen.type("cd phot", "Tab", "20", "Tab", "a", "Tab", "Enter", "pwd", "Enter");
  await screen.shows(/^\/photos\/2026-02\/a$/m);
  // Pasted together, with a line behind that is completed itself, and a beginning of one.
  await screen.paste("cd /pho\t20\t\npwd\nls /photos/20\t\npw");
  await screen.shows(/^\/photos\/2026-02$/m);
  await screen.shows(/^a\/\n.*> pw$/m);
  await screen.type("d", "Enter");
  await screen.shows(/^\/photos\/2026-02\n[^]*^\/photos\/2026-02$/m);
  // What cannot be completed eats no keys.
  await screen.type("lpwd non", "Tab", "C-u", "ls /none/", "Tab", "x", "Tab", "Enter");
  await screen.shows("/none/x: no such file or directory");
  await screen.type("C-d");

  await screen.shows("status 0");
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
});

test("who is kicked while nothing runs hears it at once, whatever is typed half", async () => {
  const screen = await signedIn();
  await screen.type("rm half of a li");
  await screen.shows("half of a li");
  await scene.run(["kick", "ann", "--reason", "enough", "--data", scene.data]);

  const text = await screen.shows("status 77");
  expect(text.match(/the operator has ended this session: enough/g)).toHaveLength(1);
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
});

async function signedIn(target = server.target("ann")): Promise<Screen> {
  const screen = await Screen.open(scene, `connect ${target}`);
  await screen.answer("password of ann", PASSWORD);
  await screen.shows(/ free\)>\s*$/m);
  return screen;
}

test("who puts a file that another session puts waits for it, and finds it there", async () => {
  const target = server.target("ann", "/twice");
  const env = { FTPX_PASSWORD: PASSWORD };
  const first = scene.start(["put", scene.path("big"), target, "--limit", "60M"], { env });
  while (!(await scene.operate("uploads", "--json")).stdout.includes("/twice")) await Bun.sleep(50);
  const screen = await Screen.open(
    scene,
    `put big ${target}`,
    50,
    `TERM=xterm FTPX_PASSWORD=${PASSWORD}`,
  );
  await screen.shows(/^ftpx: waiting for…; again in \d+ s \(\d of 5\)$/m);
  expect(await first.exited).toBe(0);

  // However it is wrapped.
  const text = (await screen.shows(/status \d/)).replaceAll(/\s/g, "");
  expect(text).toContain("wastherealreadystatus0");
  expect(text).not.toContain("connectionlost");
  await screen.close();
});

test("! has the terminal: it reads what is typed, Ctrl-C is for it, and its status is told", async () => {
  const screen = await signedIn();
  await screen.type("!read answer; echo got $answer", "Enter");
  await Bun.sleep(300);
  await screen.type("this", "Enter");
  await screen.shows(/^got this$/m);
  await screen.type("!echo waiting; sleep 30", "Enter");
  await screen.shows(/^waiting$/m);
  await screen.type("C-c");
  await screen.shows(/^(\^C)?status 130$/m);
  await screen.type("pwd", "Enter");
  await screen.shows(/^\/$/m);
  await screen.type("history 2", "Enter");
  await screen.shows(/^ *\d+ {2}pwd\n *\d+ {2}history 2$/m);
  await screen.type("q", "Enter");

  await screen.shows("status 0");
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
});

test("Ctrl-C twice at a running verb ends the verb once, and the next line runs", async () => {
  makeFile(scene.path("long"), 50 * MIB, 3);
  const screen = await signedIn();
  await screen.type("put long --limit 5M", "Enter");
  await screen.shows(/long .*%/);
  await screen.type("C-c", "C-c");
  await screen.shows("interrupted");
  await screen.type("C-u", "pwd", "Enter");
  await screen.shows(/^\/$/m);
  await screen.type("half a line", "C-c", "q", "Enter");

  await screen.shows("status 0");
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
});

test("after Ctrl-Z and fg the line is there and goes on", async () => {
  const screen = await Screen.open(scene, "--version", 100, "TERM=xterm", "bash --norc; exit");
  await screen.shows("bash");
  const words = ["FTPX_PASSWORD", PASSWORD].join("=");
  await screen.type(
    `${words} FTPX_HOME=${scene.path("home")} ${BINARY} connect ${server.target("ann")}`,
    "Enter",
  );
  await screen.shows(/ free\)>\s*$/m);
  await screen.type("pw", "C-z");
  await screen.shows("Stopped");
  await screen.type("echo outside", "Enter");
  await screen.shows(/^outside$/m);
  await screen.type("fg", "Enter");
  await screen.shows(/fg[^]*free\)> pw$/m);
  await screen.type("d", "Enter");
  await screen.shows(/^\/$/m);
  await screen.close();
});

test("a killed server is waited for with a countdown, and the shell goes on by itself", async () => {
  const other = await Scene.begin();
  await other.addUser("ann", PASSWORD);
  const first = await other.serve();
  const screen = await signedIn(first.target("ann"));
  await first.kill();
  await screen.type("ls", "Enter");
  await screen.shows(/cannot reach .*; again in [\d.]+ s \(\d of 5\)/);
  const words = ["serve", "--json", "--data", other.data, "--listen", `127.0.0.1:${first.port}`];
  other.start(words);
  await screen.shows(/ls\s+ann@[^\n]* free\)>\s*$/m);
  await screen.type("mkdir there", "Enter", "ls", "Enter");
  await screen.shows(/^there\/$/m);
  await screen.type("q", "Enter");

  await screen.shows("status 0");
  await screen.close();
  await other.end();
});
