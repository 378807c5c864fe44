/** Accounts that change while no server runs are in its audit log too, once each. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { appendFile, mkdir, readFile, rm, rmdir } from "node:fs/promises";
import { jsonLines } from "../support/jsonlines.ts";
import { Scene } from "./binary.ts";
import type { ServerLine } from "./binary.ts";

const PASSWORD = { env: { FTPX_PASSWORD: "pw" } };

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.begin();
});

afterEach(() => scene.end());

const own = (name: string) => scene.path("data", "storage", ".ftpx", name);
const operate = (...words: string[]) => scene.run([...words, "--data", scene.data]);

/** What the log has about accounts. */
async function told(): Promise<ServerLine[]> {
  const text = await readFile(own("audit.log"), "utf8");
  const events = jsonLines<ServerLine>(text);
  return events
    .filter(({ event }) => /^(?:account-|registration-decided|invite)/.test(event))
    .map(({ time: _time, ...event }) => event);
}

const stopped = (event: string, name: string, fields?: string) => ({
  event,
  name,
  ...(fields === undefined ? {} : { fields }),
  while: "stopped",
});

test("useradd, usermod, passwd and userdel without a server are told, without what is secret", async () => {
  await scene.addUser("ann", "pw", "--quota", "1 GiB");
  await operate("usermod", "ann", "--quota", "2 GiB", "--disable");
  await scene.run(["passwd", "ann", "--password-stdin", "--data", scene.data], { stdin: "pw2\n" });
  await operate("usermod", "ann", "--quota", "2 GiB");
  await operate("userdel", "ann");

  expect(await told()).toEqual([
    stopped("account-added", "ann", "password quota"),
    stopped("account-changed", "ann", "quota disabled"),
    stopped("account-changed", "ann", "password"),
    stopped("account-removed", "ann"),
  ]);
  expect(await readFile(own("accounts.told"), "utf8")).toBe("{}\n");
});

test("a server tells nothing twice, and tells what a hand has changed before it started", async () => {
  await scene.addUser("ann", "pw");
  let server = await scene.serve();
  await operate("usermod", "ann", "--quota", "1 GiB");
  await server.event("account-changed");
  expect(await server.stop()).toBe(0);
  await scene.addUser("bob", "pw");
  await appendFile(scene.path("data", "accounts.toml"), "\n[users.carl]\nfiles = 5\n");
  server = await scene.serve();
  await server.event("account-added");
  // Killed before that, it would tell it twice, and is meant to.
  while (!(await readFile(own("accounts.told"), "utf8")).includes("carl")) await Bun.sleep(10);
  await server.kill();
  server = await scene.serve();
  await server.stop();

  expect(await told()).toEqual([
    stopped("account-added", "ann", "password"),
    { event: "account-changed", name: "ann", fields: "quota" },
    stopped("account-added", "bob", "password"),
    stopped("account-added", "carl", "files"),
  ]);
  expect(server.events[0]?.event).toBe("listening");
});

test("a change that a killed server had not told is told by the next", async () => {
  await scene.addUser("ann", "pw");
  let server = await scene.serve();
  await server.kill();
  await operate("usermod", "ann", "--disable");
  await rm(own("audit.log"));
  server = await scene.serve();
  await server.stop();
  // By the command; the log was taken away behind it.
  await operate("usermod", "ann", "--enable");

  expect(await told()).toEqual([stopped("account-changed", "ann", "disabled")]);
});

test("an answer to a request and an invite are told, and the account that comes of them", async () => {
  await scene.addUser("ann", "pw");
  const server = await scene.serve();
  const asked = await scene.run(["register", server.target("bob")], PASSWORD);
  expect(asked.status).toBe(0);
  await server.stop();
  expect((await operate("approve", "bob")).status).toBe(0);
  expect((await operate("invite")).status).toBe(0);

  expect((await told()).slice(1)).toEqual([
    { ...stopped("registration-decided", "bob"), number: 1, outcome: "approved" },
    stopped("account-added", "bob", "password"),
    { event: "invite", number: 1, expires: expect.any(String) as string, while: "stopped" },
  ]);
});

test("a log that cannot be written is said, and told later", async () => {
  await scene.addUser("ann", "pw");
  await rm(own("audit.log"));
  await mkdir(own("audit.log"));
  const changed = await operate("usermod", "ann", "--disable");
  expect(changed.status).toBe(0);
  expect(changed.stderr).toContain("could not be written to the audit log");
  await rmdir(own("audit.log"));
  await operate("usermod", "ann", "--quota", "1 GiB");

  expect(await told()).toEqual([stopped("account-changed", "ann", "quota disabled")]);
});
