/** Sign-in by key, key files, and keys that the operator gives and takes away. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmod, readFile, stat } from "node:fs/promises";
import { DerivedKeys } from "../../src/base/scram.ts";
import { signInMessage, SigningKey } from "../../src/base/signature.ts";
import { parseKeyFile } from "../../src/client/keyfile.ts";
import { connect } from "../../src/client/connect.ts";
import { jsonLines } from "../support/jsonlines.ts";
import { outcomeOf } from "../support/refusal.ts";
import { freshAddress, Scene } from "./binary.ts";
import type { Ran, Server } from "./binary.ts";
import { greeted } from "./wire.ts";

const SSH_KEYGEN = Bun.which("ssh-keygen");
const PASSPHRASE = "correct-battery";

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  await scene.addUser("other", "pw");
  for (const name of ["plain", "spare", "foreign"]) {
    expect((await scene.run(["keygen", name, "--no-passphrase", "--comment", name])).status).toBe(
      0,
    );
  }
  const locked = await scene.run(["keygen", "locked"], {
    env: { FTPX_KEY_PASSPHRASE: PASSPHRASE, USER: "ann" },
  });
  expect(locked.status).toBe(0);
  await operator("usermod", "ann", "--add-key", "plain.pub", "--add-key", "locked.pub");
  server = await scene.serve();
});

afterAll(() => scene.end());

async function operator(...words: string[]): Promise<Ran> {
  const ran = await scene.run([...words, "--data", scene.data]);
  if (ran.status !== 0) throw new Error(`${words.join(" ")}: ${ran.status} ${ran.stderr}`);
  return ran;
}

// Many of them are refused, which shuts an address out.
const whoami = (user: string, key: string, env: Record<string, string> = {}) => {
  const words = ["whoami", "--json", "--key", key, server.target(user), "--bind", freshAddress()];
  return scene.run(words, { env });
};
const keyIn = async (name: string, passphrase = "") =>
  parseKeyFile(await readFile(scene.path(name), "utf8")).unlock(passphrase);

function ssh(...words: string[]): string {
  if (SSH_KEYGEN === null) throw new Error("no ssh-keygen");
  const ran = Bun.spawnSync([SSH_KEYGEN, ...words], { cwd: scene.folder, stdin: "ignore" });
  if (ran.exitCode !== 0)
    throw new Error(`ssh-keygen ${words.join(" ")}: ${ran.stderr.toString()}`);
  return ran.stdout.toString().trim();
}

test("a key signs in, by --key and by FTPX_KEY", async () => {
  const { status, stdout } = await whoami("ann", "plain");
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ user: "ann" });

  const words = ["whoami", server.target("ann"), "--bind", freshAddress()];
  expect((await scene.run(words, { env: { FTPX_KEY: "plain" } })).status).toBe(0);
  const wrong = { FTPX_KEY: "foreign", FTPX_PASSWORD: "pw" };
  expect((await scene.run(words, { env: wrong })).status).toBe(77);
  const asked = await scene.run([...words, "--password-stdin"], { env: wrong, stdin: "pw\n" });
  expect(asked.status).toBe(0);
  await server.event("login", (one) => one["method"] === "key" && one["user"] === "ann");
});

test("an encrypted key signs in with its passphrase from the environment, and with no other", async () => {
  const right = await whoami("ann", "locked", { FTPX_KEY_PASSPHRASE: PASSPHRASE });
  const wrong = await whoami("ann", "locked", { FTPX_KEY_PASSPHRASE: "wrong" });
  const none = await whoami("ann", "locked");

  expect(right.status).toBe(0);
  expect([wrong.status, wrong.stderr]).toEqual([77, "ftpx: locked: wrong passphrase\n"]);
  expect(none.status).toBe(77);
  expect(none.stderr).toContain("FTPX_KEY_PASSPHRASE");
});

test.each([
  ["a key that is not in the list", "ann", "foreign"],
  ["another user's key", "other", "plain"],
  ["A1: an unknown user", "nobody", "plain"],
])("%s is refused in the same words, and they are about keys", async (_case, user, key) => {
  const { status, stderr } = await whoami(user, key);

  expect([status, stderr]).toEqual([
    77,
    `ftpx: ${key}: sign-in refused: the key is not one of the account's, or there is no such ` +
      `active account\nhint: the operator adds a key: ftpx usermod ${user} --add-key FILE.pub; ` +
      "without --key and FTPX_KEY a password signs in\n",
  ]);
});

test("key files that cannot be used say why, before the server is asked", async () => {
  await Bun.write(scene.path("text"), "hello\n");
  await Bun.write(scene.path("exposed"), await readFile(scene.path("plain")));
  await chmod(scene.path("exposed"), 0o640);
  const none = "127.0.0.1:1";
  const cases = [
    ["plain.pub", 78, "is a public key; the private one is in the file without .pub"],
    ["text", 78, "it is no key file of OpenSSH"],
    ["nowhere", 66, "no such local file or directory"],
    [".", 78, "it is a directory"],
    ["exposed", 77, "others can read this private key"],
  ] as const;
  for (const [file, expected, text] of cases) {
    const { status, stderr } = await scene.run(["ls", "--key", file, `ann@${none}/`]);
    expect([file, status]).toEqual([file, expected]);
    expect(stderr).toContain(text);
  }
});

test("keygen replaces nothing, makes the private file private, and asks for a passphrase", async () => {
  const before = await readFile(scene.path("plain"));
  const again = await scene.run(["keygen", "plain", "--no-passphrase"]);
  await Bun.write(scene.path("half.pub"), "");
  const half = await scene.run(["keygen", "half", "--no-passphrase"]);
  const silent = await scene.run(["keygen", "silent"]);

  expect([again.status, half.status, silent.status]).toEqual([73, 73, 77]);
  expect(await readFile(scene.path("plain"))).toEqual(before);
  expect(await Bun.file(scene.path("half")).exists()).toBe(false);
  expect(await Bun.file(scene.path("silent")).exists()).toBe(false);
  expect((await stat(scene.path("plain"))).mode & 0o777).toBe(0o600);
});

test("keygen without a file makes FTPX_HOME/key, which nothing uses unasked", async () => {
  const { status, stdout } = await scene.run(["keygen", "--no-passphrase", "--json"]);
  const made = JSON.parse(stdout) as Record<string, string>;
  const { status: refused } = await scene.run(["whoami", server.target("ann")]);

  expect(status).toBe(0);
  expect(made["file"]).toBe(scene.path("home", "key"));
  expect(await readFile(`${made["publicFile"]}`, "utf8")).toBe(`${made["publicKey"]}\n`);
  expect(refused).toBe(77);
});

test.skipIf(SSH_KEYGEN === null)(
  "ssh-keygen (a package of Debian) reads what keygen writes",
  async () => {
    const line = (await readFile(scene.path("locked.pub"), "utf8")).trim();
    const { stderr } = await scene.run([
      "keygen",
      "seen",
      "--no-passphrase",
      "--comment",
      "it's me",
    ]);

    expect(ssh("-y", "-P", PASSPHRASE, "-f", "locked")).toBe(line);
    expect(ssh("-y", "-f", "seen")).toBe((await readFile(scene.path("seen.pub"), "utf8")).trim());
    expect(stderr).toContain(ssh("-l", "-f", "seen.pub"));
  },
);

test.skipIf(SSH_KEYGEN === null)("keys of ssh-keygen (a package of Debian) sign in", async () => {
  ssh("-q", "-t", "ed25519", "-N", "", "-f", "ssh-plain");
  ssh("-q", "-t", "ed25519", "-N", PASSPHRASE, "-f", "ssh-locked");
  ssh("-q", "-t", "ed25519", "-N", PASSPHRASE, "-Z", "aes256-gcm@openssh.com", "-f", "ssh-gcm");
  ssh("-q", "-t", "ecdsa", "-N", "", "-f", "ssh-ecdsa");
  const added = ["ssh-plain", "ssh-locked", "ssh-gcm"].flatMap((name) => [
    "--add-key",
    `${name}.pub`,
  ]);
  await server.reloadAfter(() => operator("useradd", "ssh", "--no-password", ...added));
  const env = { FTPX_KEY_PASSPHRASE: PASSPHRASE };

  for (const name of ["ssh-plain", "ssh-locked", "ssh-gcm"]) {
    expect([name, (await whoami("ssh", name, env)).status]).toEqual([name, 0]);
  }
  const other = await whoami("ssh", "ssh-ecdsa");
  expect([other.status, other.stderr]).toEqual([78, expect.stringContaining("only Ed25519")]);
  const words = ["whoami", server.target("ssh"), "--bind", freshAddress()];
  expect((await scene.run(words, { env: { FTPX_PASSWORD: "" } })).status).toBe(77);
});

test("A10: on the real port a signature of another connection, user or nonce is refused", async () => {
  const { fingerprint } = server;
  const key = await keyIn("plain");
  const { publicKey } = key;
  const [one, two] = [await greeted(server, freshAddress()), await greeted(server)];
  const nonces = {
    one: (await one.call("keyFirst", { user: "ann", publicKey })).nonce,
    two: (await two.call("keyFirst", { user: "ann", publicKey })).nonce,
  };
  expect(nonces.one).not.toEqual(nonces.two);
  // Nobody outside of the client gets the exporter's value: what is signed is made up.
  const binding = new Uint8Array(32);
  const about = { binding, fingerprint, user: "ann", publicKey, nonce: nonces.one };
  const signature = key.sign(signInMessage(about));

  expect(await outcomeOf(one.call("keyFinal", { signature }))).toBe("SIGN_IN_REFUSED");
  expect(await outcomeOf(one.call("keyFinal", { signature }))).toBe("BAD_STATE");
  await two.signIn("ann", key);
  expect(await outcomeOf(two.call("quota", {}))).toBe("none");
  expect(await outcomeOf(two.signIn("ann", key))).toBe("BAD_STATE");
  for (const client of [one, two]) client.close();
});

test("A10: on plain TCP a key signs in too, with a signature that is good there only", async () => {
  const plain = await Scene.begin();
  try {
    await plain.addUser("ann", "pw", "--add-key", await readFile(scene.path("plain.pub"), "utf8"));
    const own = await plain.serve("--plain", "127.0.0.1:0");
    const { port } = await own.event("listening-plain");
    const { client } = await connect(
      {
        host: "127.0.0.1",
        port: Number(port),
        fingerprint: undefined,
        name: "test",
        isPlain: true,
      },
      "test",
    );
    await client.signIn("ann", await keyIn("plain"));
    await client.changePassword("ann", new DerivedKeys(() => "pw"), "new");
    expect(await outcomeOf(client.call("quota", {}))).toBe("none");
    client.close();
  } finally {
    await plain.end();
  }
});

test("A7: a removed key ends its sessions within a second, and no others", async () => {
  const keys = ["--add-key", "plain.pub", "--add-key", "spare.pub"];
  await server.reloadAfter(() => operator("useradd", "eve", "--no-password", ...keys));
  const [lost, kept] = [await greeted(server), await greeted(server)];
  await lost.signIn("eve", await keyIn("plain"));
  await kept.signIn("eve", await keyIn("spare"));
  await operator("usermod", "eve", "--remove-key", "plain");
  await Bun.sleep(1200);

  expect(await outcomeOf(lost.call("quota", {}))).toBe("ACCOUNT_CLOSED");
  expect(await outcomeOf(kept.call("quota", {}))).toBe("none");
  expect((await whoami("eve", "plain")).status).toBe(77);
  await operator("usermod", "eve", "--disable");
  await Bun.sleep(1200);
  expect(await outcomeOf(kept.call("quota", {}))).toBe("ACCOUNT_CLOSED");
  expect((await whoami("eve", "spare")).status).toBe(77);
  await server.event(
    "login-failed",
    (one) => one["name"] === "eve" && one["reason"] === "account is disabled",
  );
});

test("I2: keys with hostile comments stand in accounts.toml as they are, and change nothing else", async () => {
  const file = `${scene.data}/accounts.toml`;
  const own = await Scene.begin();
  try {
    await own.addUser("ann", "pw");
    await own.addUser("zoe", "pw");
    const path = `${own.data}/accounts.toml`;
    const before = await readFile(path, "utf8");
    const [head = "", tail = ""] = before.split(/(?=\n\[users\.zoe\])/);
    const comments = [
      `"]\\n[users.root]\\naccess = "full"`,
      `'''"""`,
      "# ] } \\u0022 \\",
      "\u202e\u2066bidi",
      "é 😀 $ENV `id`",
    ];
    const lines = comments.map((comment, index) => {
      const { publicKey } = new SigningKey(new Uint8Array(32).fill(index + 1));
      const blob = Buffer.from(publicKey).toString("hex");
      return { comment, index, blob };
    });
    for (const { comment, index } of lines) {
      const made = await own.run(["keygen", `k${index}`, "--no-passphrase", "--comment", comment]);
      expect(made.status).toBe(0);
      const words = ["usermod", "ann", "--add-key", `k${index}.pub`, "--data", own.data];
      expect((await own.run(words)).status).toBe(0);
    }
    const after = await readFile(path, "utf8");
    expect(after.startsWith(head.trimEnd())).toBe(true);
    expect(after.endsWith(tail)).toBe(true);
    const { stdout } = await own.run(["users", "--json", "--data", own.data]);
    const rows = jsonLines<object>(stdout);
    expect(rows).toMatchObject([
      { user: "ann", keys: comments.length, password: true },
      { user: "zoe", keys: 0, password: true },
    ]);
    for (const comment of comments) {
      const words = ["usermod", "ann", "--remove-key", comment, "--data", own.data];
      expect([comment, (await own.run(words)).status]).toEqual([comment, 0]);
    }
    expect(await readFile(path, "utf8")).toBe(before);
    const line = `ssh-ed25519 AAAA\n[users.root]`;
    const refused = await own.run(["usermod", "ann", "--add-key", line, "--data", own.data]);
    expect(refused.status).toBe(64);
    expect(await readFile(path, "utf8")).toBe(before);
  } finally {
    await own.end();
  }
  expect(await Bun.file(file).exists()).toBe(true);
});

test("an account without a password and without a key is not made, and none becomes one", async () => {
  const words = ["useradd", "mute", "--no-password", "--data", scene.data];
  expect((await scene.run(words)).status).toBe(64);
  await operator("useradd", "later", "--no-password", "--add-key", "spare.pub");
  const last = ["usermod", "other", "--no-password", "--data", scene.data];
  expect((await scene.run(last)).status).toBe(64);

  const { stdout } = await operator("users", "--json");
  expect(stdout).toContain(
    '"user":"later","access":"full","disabled":false,"password":false,"keys":1',
  );
  expect(stdout).not.toContain('"mute"');
});
