/** Accounts and sign-in, through the compiled executable. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFile, stat } from "node:fs/promises";
import { jsonLines } from "../support/jsonlines.ts";
import { freshAddress, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { signedIn } from "./wire.ts";

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "correct horse");
  await scene.addUser("bob", "battery staple", "--quota", "1 MiB");
  server = await scene.serve();
});

afterAll(() => scene.end());

const as = (password: string) => ({ env: { FTPX_PASSWORD: password } });

test("accounts.toml and the home are private and hold no password", async () => {
  const text = await readFile(`${scene.data}/accounts.toml`, "utf8");

  expect(text).toContain("[users.ann]");
  expect(text).not.toContain("correct horse");
  expect(text).not.toContain("battery staple");
  expect((await stat(`${scene.data}/accounts.toml`)).mode & 0o077).toBe(0);
  expect((await stat(`${scene.data}/storage/ann`)).mode & 0o777).toBe(0o700);
  expect((await stat(`${scene.data}/storage/.ftpx`)).mode & 0o777).toBe(0o700);
  expect((await stat(`${scene.data}/storage/.ftpx/identity.key`)).mode & 0o777).toBe(0o600);
});

test("the right password signs in", async () => {
  const { status, stdout } = await scene.run(
    ["whoami", server.target("ann"), "--json"],
    as("correct horse"),
  );

  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ user: "ann" });
});

test.each([
  ["a wrong password", "ann", "wrong"],
  ["an unknown user", "nobody", "correct horse"],
  ["another user's password", "bob", "correct horse"],
  ["I3: __proto__", "__proto__", "correct horse"],
  ["I3: constructor", "constructor", "correct horse"],
  ["I3: toString", "toString", "correct horse"],
  ["I3: hasOwnProperty", "hasOwnProperty", "correct horse"],
])("%s is refused with 77 and the same words", async (_case, user, password) => {
  const words = ["quota", server.target(user), "--bind", freshAddress()];
  const { status, stderr } = await scene.run(words, as(password));

  expect(status).toBe(77);
  expect(stderr).toContain("sign-in refused: user name or password is wrong");
});

test("I4: a user name with line ends is one event with exactly that name", async () => {
  const name = 'x\n{"event":"login","user":"root"}';
  const words = ["quota", `127.0.0.1:${server.port}`, "--accept-new", "--bind", freshAddress()];
  await scene.run(words, {
    env: { FTPX_PASSWORD: "x", FTPX_USER: name },
  });

  const event = await server.event("login-failed", (one) => one["name"] === name);
  expect(event["reason"]).toBe("unknown user");
});

test("no password at all is refused with 77", async () => {
  const { status } = await scene.run(["quota", server.target("ann")]);

  expect(status).toBe(77);
});

test("A11: nothing of accounts.toml is good as a password", async () => {
  const text = await readFile(`${scene.data}/accounts.toml`, "utf8");
  const verifier = /^password\s*=\s*"([^"]+)"/m.exec(text)?.[1] ?? "";

  // Three failures shut an address out, and several addresses delay the account.
  const addresses = [freshAddress(), freshAddress()];
  for (const [index, stolen] of [verifier, ...verifier.split("$")].entries()) {
    const address = addresses[Math.floor(index / 3)] ?? "";
    const words = ["quota", server.target("ann"), "--bind", address];
    const { status } = await scene.run(words, as(stolen || "x"));
    expect(status).toBe(77);
  }
});

test.each([
  ["disabled", ["usermod", "--disable"], "account is disabled"],
  ["deleted", ["userdel"], "unknown user"],
  ["given another password", ["passwd", "--password-stdin"], "wrong password"],
])("A7: an account that is %s is signed off and refused", async (_case, change, reason) => {
  const name = `seven${change.length}${change[0]}`;
  await server.reloadAfter(() => scene.addUser(name, "pw"));
  const client = await signedIn(server, name);

  const words = [...change, name, "--data", scene.data];
  expect((await scene.run(words, { stdin: "another\n" })).status).toBe(0);
  await Bun.sleep(1200);

  expect(client.isOpen).toBe(false);
  const failure: unknown = await client.call("quota", {}).catch((error: unknown) => error);
  expect(failure).toMatchObject({ kind: "ACCOUNT_CLOSED" });
  const again = ["quota", server.target(name), "--bind", freshAddress()];
  const refused = await scene.run(again, as("pw"));
  expect(refused.status).toBe(77);
  await server.event("login-failed", (one) => one["name"] === name && one["reason"] === reason);
});

test("a smaller quota holds in the running server", async () => {
  await server.reloadAfter(() => scene.operate("usermod", "bob", "--quota", "2 MiB"));

  const { stdout } = await scene.run(
    ["quota", server.target("bob"), "--json"],
    as("battery staple"),
  );
  expect(JSON.parse(stdout)).toMatchObject({ limitBytes: 2 * 1024 * 1024 });
});

test("a mistake in accounts.toml is reported with line and column, and the server goes on", async () => {
  const file = `${scene.data}/accounts.toml`;
  const good = await readFile(file, "utf8");
  await Bun.write(file, `${good}\n[users.dora]\nquota = "much"\n`);

  const event = await server.event("reload-failed");
  expect(event["line"]).toBe(good.split("\n").length + 2);
  expect(event["column"]).toBe(1);
  const { status } = await scene.run(["quota", server.target("ann")], as("correct horse"));
  expect(status).toBe(0);
  await Bun.write(file, good);
});

test("users lists what is used and what is allowed, with the server running", async () => {
  await scene.run(["mkdir", server.target("ann", "/listed")], as("correct horse"));
  const { status, stdout } = await scene.run(["users", "--json", "--data", scene.data]);
  const table = await scene.run(["users", "--data", scene.data]);

  expect(status).toBe(0);
  const rows = jsonLines(stdout);
  expect(rows.map(({ user }) => user)).toEqual(expect.arrayContaining(["ann", "bob"]));
  const ann = rows.find(({ user }) => user === "ann");
  expect(ann).toMatchObject({ usedBytes: 0, reservedBytes: 0, limitBytes: 10 * 1024 ** 3 });
  expect(Number(ann?.["usedFiles"])).toBeGreaterThan(0);
  expect(table.stdout).toMatch(
    /^USER +ACCESS +USED +RESERVED +LIMIT +FILES +UNFINISHED +FILE LIMIT +LAST SEEN$/m,
  );
  expect(table.stdout).toMatch(/^ann +full +0 B +0 B +10\.7 GB +\d+ +0 +1000000 +just now$/m);
});

test("I2: names that are no names are refused and change nothing", async () => {
  const before = await readFile(`${scene.data}/accounts.toml`);
  for (const name of [
    'a"]\n[users.root]\nadmin=true',
    "__proto__",
    "",
    "x".repeat(10_000),
    "Ann",
    "../x",
  ]) {
    const words = ["useradd", "--password-stdin", "--data", scene.data, "--", name];
    const { status } = await scene.run(words, { stdin: "pw\n" });
    expect(status).toBe(64);
  }
  expect(await readFile(`${scene.data}/accounts.toml`)).toEqual(before);
});

test("userdel --purge takes the home along, with the server running", async () => {
  await server.reloadAfter(() => scene.addUser("emil", "pw"));
  await Bun.write(scene.path("f"), "content");
  const put = await scene.run(["put", scene.path("f"), server.target("emil", "/f")], as("pw"));
  expect(put.status).toBe(0);

  const { status } = await scene.run(["userdel", "emil", "--purge", "--data", scene.data]);
  expect(status).toBe(0);
  expect(stat(`${scene.data}/storage/emil`)).rejects.toThrow("ENOENT");
});

test("what a command has changed is in force when it ends", async () => {
  const operate = (...words: string[]) =>
    scene.run([...words, "--data", scene.data], { stdin: "second\n" });
  const signsIn = async (password: string) =>
    (await scene.run(["whoami", server.target("finn"), "--bind", freshAddress()], as(password)))
      .status;
  await scene.addUser("finn", "first");
  expect(await signsIn("first")).toBe(0);
  await operate("passwd", "finn", "--password-stdin");
  expect(await signsIn("second")).toBe(0);
  await operate("usermod", "finn", "--disable");
  expect(await signsIn("second")).toBe(77);
  await operate("usermod", "finn", "--enable");
  expect(await signsIn("second")).toBe(0);
  await operate("userdel", "finn");
  expect(await signsIn("second")).toBe(77);
});

test("a mistake by hand in accounts.toml holds up no command that meets it", async () => {
  const before = await readFile(`${scene.data}/accounts.toml`);
  await Bun.write(`${scene.data}/accounts.toml`, `${before.toString()}\n[users.gus]\nquota = x\n`);
  const { status } = await scene.run(["usermod", "ann", "--files", "9", "--data", scene.data]);
  await Bun.write(`${scene.data}/accounts.toml`, before);

  expect(status).toBe(78);
});

test("useradd says that an earlier account of the name has left files", async () => {
  const again = () =>
    scene.run(["useradd", "hal", "--data", scene.data, "--password-stdin"], { stdin: "pw\n" });
  expect((await again()).stderr).not.toContain("earlier account");
  await Bun.write(scene.path("f"), "content");
  await scene.run(["put", scene.path("f"), server.target("hal", "/f")], as("pw"));
  await scene.run(["userdel", "hal", "--data", scene.data]);

  const { status, stderr } = await again();
  expect(status).toBe(0);
  expect(stderr).toContain("storage/hal holds files of an earlier account: they are hal's now");
});

test("a second server on the same data is refused", async () => {
  const words = ["serve", "--data", scene.data, "--listen", "127.0.0.1:0"];
  const { status, stderr } = await scene.run(words);

  expect(status).toBe(75);
  expect(stderr).toContain("already using this data directory");
});

test("fingerprint prints what the server listens with", async () => {
  const { stdout } = await scene.run(["fingerprint", "--data", scene.data]);

  expect(stdout.trim()).toBe(server.fingerprint);
});
