/** What the server does not do, as strace sees it; and what it never writes down. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DerivedKeys } from "../../src/base/scram.ts";
import { deriveKeys } from "../../src/base/derivation.ts";
import { parseVerifier } from "../../src/base/verifier.ts";
import { TABLE } from "../../src/commands/table.ts";
import { cpuSecondsOf } from "../support/process.ts";
import { freshAddress, linesOf, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { greeted, guess, signedIn } from "./wire.ts";

const PASSWORD = "a password that is easy to find again";

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", PASSWORD);
  server = await scene.serve();
});

afterAll(() => scene.end());

/** Waits for a line with this text; what comes behind it is read and thrown away. */
async function said(stderr: ReadableStream<Uint8Array>, text: string): Promise<void> {
  const heard = Promise.withResolvers<void>();
  const follow = async () => {
    let all = "";
    for await (const line of linesOf(stderr)) {
      all += `${line}\n`;
      if (line.includes(text)) heard.resolve();
    }
    heard.reject(new Error(all));
  };
  void follow();
  await heard.promise;
}

/** Runs work while strace writes down the server's calls of these kinds. */
async function traced(calls: string, work: () => Promise<void>): Promise<string> {
  const output = scene.path("trace");
  const words = ["strace", "-f", "-e", `trace=${calls}`, "-o", output, "-p"];
  const strace = Bun.spawn([...words, String(server.process.pid)], { stderr: "pipe" });
  await said(strace.stderr, " attached");
  await work();
  await Bun.sleep(200);
  strace.kill("SIGINT");
  await strace.exited;
  return await readFile(output, "utf8");
}

test("I1: the server executes nothing while it serves", async () => {
  const env = { env: { FTPX_PASSWORD: PASSWORD } };
  await Bun.write(scene.path("f"), "content");
  const trace = await traced("execve,execveat,openat2", async () => {
    for (const words of [
      ["put", scene.path("f"), server.target("ann", "/f; touch x")],
      ["ls", server.target("ann")],
      ["md5", server.target("ann", "/f; touch x")],
      ["rm", server.target("ann", "/f; touch x")],
    ]) {
      expect((await scene.run(words, env)).status).toBe(0);
    }
  });

  // The canary: the trace saw what was done.
  expect(trace).toContain("openat2");
  expect(trace).not.toContain("exec");
});

test("A8: before sign-in no file below the homes is touched", async () => {
  const trace = await traced("%file,openat2", async () => {
    const client = await greeted(server, freshAddress());
    for (const [index, { code }] of Object.values(TABLE).entries()) {
      client.connection.send(code, 0, 10 + index, new Uint8Array(0));
    }
    await client
      .call("scramFirst", { message: "p=tls-exporter,,n=ann,r=aaaaaaaaaaaaaaaaaaaaaaaa" })
      .catch(() => {});
    await Bun.sleep(200);
  });

  expect(trace).toContain("accounts.toml");
  expect(trace).not.toContain("openat2");
  expect(trace).not.toContain("storage/ann");
});

test("A11: no password, salted password or client key is found anywhere after sign-ins", async () => {
  for (let index = 0; index < 20; index += 1) {
    const client = await signedIn(server, "ann", PASSWORD);
    client.close();
  }
  const text = await readFile(`${scene.data}/accounts.toml`, "utf8");
  const verifier = parseVerifier(/^password\s*=\s*"([^"]+)"/m.exec(text)?.[1] ?? "");
  const { clientKey } = await deriveKeys(PASSWORD, verifier.salt, verifier);
  const secrets = [Buffer.from(PASSWORD), Buffer.from(clientKey), ...encodings(clientKey)];

  const files = await readdir(scene.data, { recursive: true, withFileTypes: true });
  const contents = await Promise.all(
    files
      .filter((entry) => entry.isFile())
      .map((entry) => readFile(join(entry.parentPath, entry.name))),
  );
  // The canary: what is stored there is found there.
  const stored = Buffer.from(verifier.storedKey).toString("base64").replace(/=+$/, "");
  expect(contents.some((content) => content.includes(stored))).toBe(true);
  for (const secret of secrets) {
    expect(contents.some((content) => content.includes(secret))).toBe(false);
  }
});

function encodings(bytes: Uint8Array): Buffer[] {
  const names = ["hex", "base64", "base64url"] as const;
  return names.map((name) => Buffer.from(Buffer.from(bytes).toString(name).replace(/=+$/, "")));
}

test("A1: unknown, disabled and real users get the same messages, lengths and errors", async () => {
  await server.reloadAfter(() => scene.addUser("off", PASSWORD));
  await server.reloadAfter(() => scene.operate("usermod", "off", "--disable"));
  const seen = new Map<string, string>();
  const lengths = new Set<number>();
  for (const user of ["ann", "off", "nobody", "nobody"]) {
    const client = await greeted(server, freshAddress());
    const first = `p=tls-exporter,,n=${user},r=aaaaaaaaaaaaaaaaaaaaaaaa`;
    const { message } = await client.call("scramFirst", { message: first });
    const salt = /s=([^,]+)/.exec(message)?.[1] ?? "";
    const known = seen.get(user);
    if (known !== undefined) expect(salt).toBe(known);
    seen.set(user, salt);
    lengths.add(message.length);
    expect(/i=(.*)$/.exec(message)?.[1]).toBe("19456:2:1");
    expect(Buffer.from(salt, "base64")).toHaveLength(16);
    const failure: unknown = await client
      .signIn(user, new DerivedKeys(() => "wrong"))
      .catch((error: unknown) => error);
    expect(String((failure as { kind?: string }).kind)).toBe("SIGN_IN_REFUSED");
    client.close();
  }
  expect(lengths.size).toBe(1);

  await server.stop();
  server = await scene.serve();
  const client = await greeted(server);
  const first = "p=tls-exporter,,n=nobody,r=aaaaaaaaaaaaaaaaaaaaaaaa";
  const { message } = await client.call("scramFirst", { message: first });
  expect(message).toContain(`s=${seen.get("nobody")},`);
  client.close();
});

test("A3: a flood of wrong passwords costs the server no derivation, and the owner gets in", async () => {
  const before = cpuSecondsOf(server.process.pid);
  const tryOnce = async (user: string) => {
    const client = await greeted(server, freshAddress());
    const kind = await guess(client, user);
    client.connection.terminate();
    return kind;
  };
  const kinds: string[] = [];
  // Each batch finds room, with the one before it; one name of all would be delayed.
  for (let count = 0; count < 500; count += 25) {
    const batch = Array.from({ length: 25 }, (_hole, index) => tryOnce(`user${count + index}`));
    kinds.push(...(await Promise.all(batch)));
  }
  const spent = cpuSecondsOf(server.process.pid) - before;

  expect(new Set(kinds)).toEqual(new Set(["SIGN_IN_REFUSED"]));
  // 500 derivations would be at least 500 times 25 ms.
  expect(spent).toBeLessThan(5);
  const client = await signedIn(server, "ann", PASSWORD);
  client.close();
});
