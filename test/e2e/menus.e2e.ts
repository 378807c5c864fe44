/** Menus for those who type no commands, in a real terminal; and bookmarks, which they offer. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { stat } from "node:fs/promises";
import { freshAddress } from "./binary.ts";
import type { Scene, Server } from "./binary.ts";
import { openStage, PASSWORD, Screen } from "./screen.ts";

let scene: Scene;
let server: Server;

beforeAll(async () => {
  ({ scene, server } = await openStage());
});

afterAll(() => Screen.endAll(scene));

test("ftpx alone is the help and 64 where nobody can choose", async () => {
  const ran = await scene.run([]);

  expect(ran).toMatchObject({ status: 64, stdout: "" });
  expect(ran.stderr).toContain("Files on a server:");
});

test("the menu creates a user, leads back with Esc, and quits", async () => {
  const screen = await Screen.open(scene, "");
  await screen.shows("start a server");
  await screen.type("Down", "Down", "Enter");
  await screen.shows("data directory");
  await screen.type("Escape");
  await screen.shows(/data directory[^]*start a server/);
  await screen.type("Down", "Down", "Enter");
  await screen.shows(/(data directory[^]*){2}/);
  await screen.type("data", "Enter");
  await screen.shows("name of the new user");
  await screen.type("bob", "Enter");
  await screen.shows("room for their files");
  await screen.type("Enter");
  await screen.shows("password for bob");
  await screen.type("pw", "Enter");
  await screen.shows("the same again");
  await screen.type("pw", "Enter");
  await screen.shows("account bob created");
  await screen.shows(/account bob created[^]*look at requests/);
  await screen.type("Up", "Enter");

  await screen.shows("status 0");
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
  const { stdout } = await scene.run(["users", "--json", "--data", scene.data]);
  expect(stdout).toContain('"user":"bob"');
  expect(stdout).toContain('"limitBytes":10737418240');
});

test("what is private in the operator's entries of the menu is not in those after them", async () => {
  await Bun.write(scene.path("data/storage/ann/plain.txt"), "for everybody");
  const env = `TERM=xterm FTPX_DATA=${scene.data} FTPX_HOME=${scene.path("another")}`;
  const screen = await Screen.open(scene, "", 100, env, "umask 022");
  await screen.shows("start a server");
  await screen.type("Down", "Down", "Down", "Enter");
  await screen.shows("data directory");
  await screen.type("Enter");
  await screen.shows(/nobody waits for an account[^]*● start a server/);
  // Of a data directory that has a server already.
  await screen.type("Enter");
  await screen.shows(/(data directory[^]*){2}/);
  await screen.type("Enter");
  await screen.shows("listen on");
  await screen.type("127.0.0.1:0", "Enter");
  await screen.shows(/already using[^]*● start a server/);
  await screen.type("Down", "Enter");
  await screen.shows(/which server|server \(HOST/);
  await screen.paste(server.target("ann"));
  await screen.type("Enter");
  await screen.answer(/password of ann/, PASSWORD);
  await screen.shows(/ann@.* free\)>\s*$/m);
  await screen.type("get /plain.txt", "Enter");
  await screen.shows("13 B");
  await screen.type("q", "Enter");
  await screen.shows("status 0");
  await screen.close();

  const { mode } = await stat(scene.path("plain.txt"));
  expect((mode & 0o777).toString(8)).toBe("644");
});

test("what fails in the menu is told, and the menu is there again; Ctrl-C leaves with 130", async () => {
  const screen = await Screen.open(scene, "", 100, `TERM=xterm FTPX_DATA=${scene.data}`);
  await screen.shows("start a server");
  await screen.type("Down", "Down", "Enter");
  await screen.shows("data directory");
  await screen.type("Enter");
  await screen.shows("name of the new user");
  await screen.type("ann", "Enter");
  await screen.shows("room for their files");
  await screen.type("Enter");
  await screen.shows(/account ann exists already[^]*start a server/);
  await screen.type("C-c");

  await screen.shows("status 130");
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
});

test("the menu starts a server, and Ctrl-C stops it", async () => {
  const screen = await Screen.open(scene, "");
  await screen.shows("start a server");
  await screen.type("Enter");
  await screen.shows("data directory");
  await screen.type("other", "Enter");
  await screen.shows("There is no directory other. Make it?");
  await screen.type("y");
  await screen.shows("listen on");
  await screen.type("127.0.0.1:0", "Enter");
  await screen.shows("Make an account now?");
  await screen.type("n");
  await screen.shows(/ftpx connect ftpx:[^]*◇ {2}Make an account now\?/);
  // What happened while it was open is not painted over.
  await screen.shows(/now\?\s+No\s+\S+ +listening +host 127[^]*recounted/);
  // The question hands the terminal back a moment after it has shown the answer.
  await Bun.sleep(300);
  await screen.type("C-c");

  await screen.shows("status 0");
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
});

test("who connects without a name chooses; three wrong passwords end with 77", async () => {
  const words = `connect 127.0.0.1:${server.port} --bind ${freshAddress()}`;
  const screen = await Screen.open(scene, words);
  await screen.shows("ask for an account");
  await screen.type("Enter");
  await screen.shows("user name");
  await screen.type("ann", "Enter");
  await screen.shows(server.fingerprint);
  await screen.type("y");
  await screen.answer(/password of ann/, "");
  await screen.shows("an empty password is no password: once more");
  for (let tries = 1; tries <= 3; tries += 1) {
    await screen.answer(new RegExp(`(password of ann[^]*){${tries + 1}}`), "wrong");
  }

  await screen.shows("status 77");
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
});

test("the menu of a server is left by its last entry, and by Esc", async () => {
  const quit = await Screen.open(scene, `connect 127.0.0.1:${server.port}`);
  await quit.shows("ask for an account");
  await quit.type("Up", "Enter");
  await quit.shows("status 0");
  await quit.close();
  const escape = await Screen.open(scene, `connect 127.0.0.1:${server.port}`);
  await escape.shows("ask for an account");
  await escape.type("Escape");
  await escape.shows("status 130");
  expect(await escape.isSane()).toBeTrue();
  await escape.close();
});

test("who has no account asks for one in the menu, and the operator answers in theirs", async () => {
  const asker = await Screen.open(scene, `connect 127.0.0.1:${server.port} --accept-new`);
  await asker.shows("ask for an account");
  await asker.type("Down", "Enter");
  await asker.shows("name for the new account");
  await asker.type("carol", "Enter");
  await asker.shows("a word to the operator");
  await asker.type("Carol, third floor", "Enter");
  await asker.shows("password for carol");
  await asker.type("pw of carol", "Enter");
  await asker.shows("the same again");
  await asker.type("pw of carol", "Enter");
  await asker.shows("asked for the account carol");

  const operator = await Screen.open(scene, "", 100, `TERM=xterm FTPX_DATA=${scene.data}`);
  await operator.shows("look at requests");
  await operator.type("Down", "Down", "Down", "Enter");
  await operator.shows("data directory");
  await operator.type("Enter");
  await operator.shows(/carol.*third floor/);
  await operator.shows("whose request?");
  await operator.type("Enter");
  await operator.shows("allow it");
  await operator.type("Enter");
  await operator.shows(/account carol created[^]*start a server/);
  await operator.type("Down", "Down", "Down", "Enter");
  await operator.shows(/account carol created[^]*data directory/);
  await operator.type("Enter");
  await operator.shows(/nobody waits for an account[^]*start a server/);
  await operator.type("Up", "Enter");
  await operator.shows("status 0");
  await operator.close();

  await asker.shows("the account carol is there");
  await asker.answer("password of carol", "pw of carol");
  await asker.shows(/carol@.* free\)>\s*$/m);
  await asker.type("q", "Enter");
  await asker.shows("status 0");
  expect(await asker.isSane()).toBeTrue();
  await asker.close();
});

test("Ctrl-C while the menu connects leaves with 130, and the terminal is sane", async () => {
  const silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => {} } });
  const screen = await Screen.open(scene, "");
  await screen.shows("start a server");
  await screen.type("Down", "Enter");
  await screen.shows("server (HOST");
  await screen.type(`ann@127.0.0.1:${silent.port}`, "Enter");
  await screen.shows(/◇ {2}server \(HOST/);
  await Bun.sleep(300);
  await screen.type("C-c");

  await screen.shows("status 130");
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
  silent.stop(true);
});

test.each([
  ["a question", ["Down", "Down", "Enter"], "data directory", []],
  ["a question behind another", ["Enter"], "There is no directory", ["nowhere", "Enter"]],
])("Ctrl-C at %s of the menu leaves with 130", async (_what, keys, question, before) => {
  const screen = await Screen.open(scene, "");
  await screen.shows("start a server");
  await screen.type(...keys);
  await screen.shows("data directory");
  if (before.length > 0) await screen.type(...before);
  await screen.shows(question);
  await screen.type("C-c");

  const text = await screen.shows("status 130");
  expect(text.match(/connect to a server/g)).toHaveLength(1);
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
});

test("at a password Esc leads back to the menu, Ctrl-C leaves with 130; no name, no question", async () => {
  const screen = await Screen.open(scene, `connect 127.0.0.1:${server.port} --accept-new`);
  await screen.shows("ask for an account");
  await screen.type("Enter");
  await screen.shows("user name");
  await screen.type("no name", "Enter");
  await screen.shows("is not a user name");
  await screen.type("C-u", "ann", "Enter");
  await screen.shows("password of ann");
  await screen.type("se", "Escape");
  await screen.shows(/password of ann[^]*ask for an account/);
  await screen.type("Enter");
  await screen.shows(/password of ann[^]*user name/);
  await screen.type("ann", "Enter");
  await screen.shows(/(password of ann[^]*){2}/);
  await screen.type("C-c");

  await screen.shows("status 130");
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
});

test("who refuses the key is not told how to accept it; Ctrl-C at an offer stops the server", async () => {
  const env = `TERM=xterm FTPX_HOME=${scene.path("refusing")}`;
  const screen = await Screen.open(scene, `connect ann@127.0.0.1:${server.port}`, 100, env);
  await screen.shows("Trust it from now on?");
  await screen.type("n");
  const text = await screen.shows("status 77");
  expect(text).toContain("ask the operator which key it is");
  expect(text).not.toContain("--accept-new");
  await screen.close();

  const operator = await Screen.open(scene, "serve --data offered --listen 127.0.0.1:0");
  await operator.shows("Make an account now?");
  await operator.type("C-c");
  await operator.shows("status 0");
  expect(await operator.isSane()).toBeTrue();
  await operator.close();
});

test("a bookmark stands for its target in commands, and the menu offers it", async () => {
  const env = { FTPX_PASSWORD: PASSWORD };
  const run = (...words: string[]) => scene.run(words, { env });
  expect((await run("bookmark", "add", "work", server.target("ann", "/deep"))).status).toBe(0);
  expect(JSON.parse((await run("bookmark", "list", "--json")).stdout)).toEqual({
    name: "work",
    target: server.target("ann", "/deep"),
  });
  await run("mkdir", "work:");
  await Bun.write(scene.path("f"), "12345");
  expect((await run("put", "f", "work:")).status).toBe(0);
  expect((await run("put", "f", "work:g h")).status).toBe(0);
  expect((await run("ls", "work")).stdout).toBe("f\ng h\n");
  expect((await run("mv", "work:f", "work:/top")).status).toBe(0);
  expect((await run("get", "work:/top", "work:g h", "./")).status).toBe(0);
  expect(await Bun.file(scene.path("g h")).text()).toBe("12345");
  expect((await run("stat", "work:/../x")).stderr).toContain("/../x: leads out of the home");

  const screen = await Screen.open(scene, "");
  await screen.shows("start a server");
  await screen.type("Down", "Enter");
  await screen.shows(/work {2}ftpx:\/\/ann@/);
  await screen.type("Down", "Enter");
  await screen.answer("password of ann", PASSWORD);
  await screen.shows(/:\/deep \(.* free\)>\s*$/m);
  await screen.type("q", "Enter");
  await screen.shows("status 0");
  await screen.close();

  const again = await run("bookmark", "add", "work", "other.example");
  expect(again.stderr).toBe(`bookmark work replaced (it was ${server.target("ann", "/deep")})\n`);
  expect((await run("bookmark", "rm", "work")).status).toBe(0);
  expect((await run("bookmark", "rm", "work")).stderr).toContain('no bookmark "work"');
  expect((await run("bookmark", "add", "a/b", "h")).status).toBe(64);
  expect((await run("bookmark", "add", "a", "h:0")).status).toBe(64);
  expect((await run("bookmark", "add", "a")).status).toBe(64);
});
