/** Mistakes in the menus: whoever makes one is asked again and never lands in the system's shell. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Scene, Server } from "./binary.ts";
import { openStage, PASSWORD, Screen } from "./screen.ts";

let scene: Scene;
let server: Server;

beforeAll(async () => {
  ({ scene, server } = await openStage());
});

afterAll(() => Screen.endAll(scene));

test("a wrong name and passwords that differ are asked for again; the new name signs in", async () => {
  const screen = await Screen.open(scene, `connect 127.0.0.1:${server.port} --accept-new`);
  await screen.shows("ask for an account");
  await screen.type("Down", "Enter");
  await screen.shows("name for the new account");
  await screen.type("Bob Smith", "Enter");
  await screen.shows("is not a user name");
  await screen.type("C-u", "bob", "Enter");
  await screen.shows("a word to the operator");
  await screen.type("Enter");
  await screen.shows("password for bob");
  await screen.type("Enter");
  await screen.shows(/an empty password is no password[^]*password for bob/);
  await screen.type("short", "Enter");
  await screen.shows(/fewer than 8 characters[^]*the same again/);
  await screen.type("another", "Enter");
  await screen.shows(/two passwords differ[^]*password for bob/);
  await screen.type(PASSWORD, "Enter");
  await screen.shows(/differ[^]*the same again/);
  await screen.type(PASSWORD, "Enter");
  await screen.shows("asked for the account bob");
  const approved = await scene.run(["approve", "bob", "--data", scene.data]);
  expect(approved.status).toBe(0);

  const text = await screen.shows("password of bob");
  expect(text).not.toContain("user name:");
  expect(text).not.toContain("status");
  await screen.type(PASSWORD, "Enter");
  await screen.shows(/bob@.* free\)>\s*$/m);
  await screen.type("q", "Enter");
  await screen.shows("status 0");
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
});

test("a request that fails leads back to the menu, and what was typed ahead is gone", async () => {
  const screen = await Screen.open(scene, "connect 127.0.0.1:1");
  await screen.shows("ask for an account");
  await screen.type("Down", "Enter");
  await screen.shows("name for the new account");
  await screen.paste("cat\rsecret\r");
  await screen.shows(/cannot reach[^]*● log in/);
  await screen.type("Up", "Enter");
  const text = await screen.shows("status 0");
  expect(text).not.toContain("user name");
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
});

test("Esc at the trust question leads back, and the screen does not say Yes", async () => {
  const screen = await Screen.open(
    scene,
    "",
    100,
    `TERM=xterm FTPX_HOME=${scene.path("stranger")}`,
  );
  await screen.shows("start a server");
  await screen.type("Down", "Enter");
  await screen.shows("server (HOST");
  await screen.type("no such host!", "Enter");
  await screen.shows("is not a target");
  await screen.type("C-u", `127.0.0.1:${server.port}`, "Enter");
  await screen.shows("ask for an account");
  await screen.type("Enter");
  await screen.shows("user name");
  await screen.type("ann", "Enter");
  await screen.shows("Trust it from now on?");
  await screen.type("Escape");
  const text = await screen.shows(/left without an answer[^]*ask for an account/);
  expect(text).not.toMatch(/Yes\s*$/m);
  await screen.type("Escape");
  await screen.shows(/(start a server[^]*){2}/);
  await screen.type("Escape");
  await screen.shows("status 130");
  expect(await screen.isSane()).toBeTrue();
  await screen.close();
});

test("typing replaces what a field means by itself, and a directory must be there", async () => {
  const screen = await Screen.open(scene, "");
  await screen.shows("start a server");
  await screen.type("Down", "Down", "Enter");
  await screen.shows("data directory");
  await screen.type("/nowhere/at/all", "Enter");
  await screen.shows("there is no directory /nowhere/at/all");
  await screen.type("C-u", scene.data, "Enter");
  await screen.shows("name of the new user");
  await screen.type("dora", "Enter");
  await screen.shows("room for their files");
  await screen.type("1 GiB", "Enter");
  await screen.shows("password for dora");
  await screen.type(PASSWORD, "Enter");
  await screen.shows("the same again");
  await screen.type(PASSWORD, "Enter");
  await screen.shows(/account dora created[^]*start a server/);
  await screen.type("Enter");
  await screen.shows(/account dora created[^]*data directory/);
  await screen.type("fresh", "Enter");
  await screen.shows("There is no directory fresh. Make it?");
  await screen.type("n");
  await screen.shows(/Make it\?[^]*data directory/);
  await screen.type("Escape");
  await screen.shows(/Make it\?[^]*start a server/);
  await screen.type("Escape");
  await screen.shows("status 130");
  await screen.close();
  const { stdout } = await scene.run(["users", "--json", "--data", scene.data]);
  expect(stdout).toMatch(/"user":"dora".*"limitBytes":1073741824/);
});
