/** Secrets that are typed into a real terminal, and a user's own change of password. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { DerivedKeys } from "../../src/base/scram.ts";
import { parseKeyFile } from "../../src/client/keyfile.ts";
import { Remote } from "../../src/client/remote.ts";
import { outcomeOf } from "../support/refusal.ts";
import { freshAddress, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { Screen } from "./screen.ts";
import { endpointOf, signedIn } from "./wire.ts";

const PASSPHRASE = "correct-battery";

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  const made = await scene.run(["keygen", "locked"], { env: { FTPX_KEY_PASSPHRASE: PASSPHRASE } });
  expect(made.status).toBe(0);
  await scene.addUser("ann", "pw", "--add-key", scene.path("locked.pub"));
  await scene.addUser("pat", "old");
  await scene.addUser("ray", "old");
  await scene.addUser("sue", "first");
  server = await scene.serve();
});

afterAll(() => Screen.endAll(scene));

// Some are refused, which would shut an address out in the end.
const withPassword = (user: string, password: string) =>
  scene.run(["whoami", server.target(user), "--bind", freshAddress()], {
    env: { FTPX_PASSWORD: password },
  });

test("passwd TARGET: the old password is refused from then on, the new one signs in", async () => {
  const client = await signedIn(server, "pat", "old");
  const change = (stdin: string, ...more: string[]) => {
    const words = ["passwd", server.target("pat"), "--password-stdin", "--bind", freshAddress()];
    return scene.run([...words, ...more], { stdin });
  };

  expect((await change("wrong\nnew\n")).status).toBe(77);
  expect((await change("old\n\n")).status).toBe(64);
  expect((await withPassword("pat", "old")).status).toBe(0);
  const changed = await change("old\nnew one\n", "--json");
  expect([changed.status, changed.stderr]).toEqual([0, ""]);
  expect(JSON.parse(changed.stdout)).toMatchObject({ event: "passwd", user: "pat" });
  expect(await outcomeOf(client.call("quota", {}))).toBe("ACCOUNT_CLOSED");
  expect((await withPassword("pat", "old")).status).toBe(77);
  expect((await withPassword("pat", "new one")).status).toBe(0);
  await server.event("passwd", (one) => one["user"] === "pat");
  const log = await readFile(`${scene.data}/storage/.ftpx/audit.log`, "utf8");
  expect(log).not.toContain("new one");
});

test("a client that has changed its password comes back with the new one", async () => {
  const endpoint = endpointOf(server);
  const keys = new DerivedKeys(() => "old");
  const remote = new Remote({ endpoint, software: "test", user: "ray", keys, retriesMax: 3 });
  await remote.changePassword(keys, "new");
  (await remote.client()).connection.terminate();

  expect((await remote.call("quota", {})).usedBytes).toBe(0);
  expect((await withPassword("ray", "old")).status).toBe(77);
  remote.close();
});

test("passwd knows a name from a target, and says what belongs to neither", async () => {
  const data = ["--data", scene.data];
  const local = await scene.run(["passwd", "127.0.0.1", ...data, "--password-stdin"], {
    stdin: "x\n",
  });
  expect([local.status, local.stderr]).toEqual([
    66,
    expect.stringContaining("no account 127.0.0.1"),
  ]);
  expect((await scene.run(["passwd", server.target("ann"), ...data])).status).toBe(64);
  expect((await scene.run(["passwd", "ann", "--accept-new", ...data])).status).toBe(64);
  const help = await scene.run(["passwd", "--help"]);
  expect(help.stdout).toContain("NAME | TARGET");
});

test("the passphrase of a key is asked three times, and nothing of it shows", async () => {
  const screen = await Screen.open(scene, `whoami --key locked '${server.target("ann")}'`);
  await screen.shows("passphrase of locked:");
  await screen.type("wrong", "Enter");
  await screen.shows(/(passphrase of locked:[^]*){2}/);
  await screen.paste(`x${PASSPHRASE}`);
  await screen.type("C-u");
  await screen.paste(PASSPHRASE);
  await screen.type("x", "BSpace", "Enter");

  const text = await screen.shows("status 0");
  expect(text).toContain("wrong passphrase");
  expect(text.match(/passphrase of locked: *$/gm)).toHaveLength(2);
  expect(text).not.toContain(PASSPHRASE);
  expect(await screen.isSane()).toBe(true);
  await screen.close();
});

test.each([
  ["Ctrl-C", ["C-c"], "status 130"],
  ["Ctrl-D", ["C-d"], "status 130"],
  ["three wrong ones", ["a", "Enter", "b", "Enter", "c", "Enter"], "status 77"],
])(
  "%s at the passphrase leaves a terminal that shows what is typed",
  async (_case, keys, status) => {
    const screen = await Screen.open(scene, `whoami --key locked '${server.target("ann")}'`);
    await screen.shows("passphrase of locked:");
    await screen.type(...keys);

    await screen.shows(status);
    expect(await screen.isSane()).toBe(true);
    await screen.close();
  },
);

test("a password that is killed at its prompt leaves a terminal that shows what is typed", async () => {
  const screen = await Screen.open(scene, `connect '${server.target("ann")}'`);
  await screen.shows("password of ann");
  process.kill(await screen.pid(), "SIGTERM");

  await screen.shows("status 143");
  expect(await screen.isSane()).toBe(true);
  await screen.close();
});

test("in the shell passwd asks three times over, and the shell goes on with the new password", async () => {
  const screen = await Screen.open(scene, `connect '${server.target("sue")}'`);
  await screen.shows("password of sue");
  // Pasted together: what comes behind the line's end is the shell's.
  await screen.paste("first\npwd\n");
  await screen.shows(/^\/$/m);
  await screen.type("passwd", "Enter");
  await screen.shows("current password:");
  await screen.type("wrong", "Enter");
  expect(await screen.shows("the current one is wrong")).not.toContain("new password");
  await screen.type("passwd", "Enter");
  await screen.shows(/(current password:[^]*){2}/);
  await screen.paste("first\nsecond\nsecond\n");
  await screen.shows(/password of sue on .* changed/);
  await screen.type("quota", "Enter");
  await screen.shows("room left");
  await screen.type("quit", "Enter");

  const text = await screen.shows("status 0");
  expect(text).not.toMatch(/first|second/);
  expect((await withPassword("sue", "second")).status).toBe(0);
  expect((await withPassword("sue", "first")).status).toBe(77);
  await screen.close();
});

test("keygen asks for a passphrase twice in a terminal", async () => {
  const screen = await Screen.open(scene, "keygen typed");
  await screen.shows("passphrase for typed:");
  await screen.type(PASSPHRASE, "Enter");
  await screen.shows("the same again:");
  await screen.type(PASSPHRASE, "Enter");

  const text = await screen.shows("status 0");
  expect(text).not.toContain(PASSPHRASE);
  expect(text).toContain("ftpx usermod NAME --add-key 'ssh-ed25519 ");
  expect(parseKeyFile(await readFile(scene.path("typed"), "utf8")).isEncrypted).toBe(true);
  await screen.close();
});
