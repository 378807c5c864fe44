/**
 * The certificate is a wrapping: what is trusted is the key in it. So dates mean nothing, on
 * either side, and a certificate that is made anew from the same key is the same server (R14).
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { Scene } from "./binary.ts";
import type { Ran, Server } from "./binary.ts";

const PASSWORD = { env: { FTPX_PASSWORD: "pw" } };
const HAS_FAKETIME = Bun.which("faketime") !== null;

let scene: Scene;
let server: Server;

beforeEach(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  server = await scene.serve();
  // From here on the key is known, and no question is asked any more.
  const first = await scene.run(["quota", server.target("ann")], PASSWORD);
  expect(first.status).toBe(0);
});

afterEach(() => scene.end());

const identity = (name: string) => `${scene.data}/storage/.ftpx/identity.${name}`;

async function certificate(): Promise<X509Certificate> {
  return new X509Certificate(await readFile(identity("crt")));
}

/** A restart where it was, between which something happens to the certificate. */
async function restartAfter(change: () => Promise<void>): Promise<void> {
  const { port } = server;
  expect(await server.stop()).toBe(0);
  await change();
  server = await scene.serve("--listen", `127.0.0.1:${port}`);
}

/** By the pin alone, without a fingerprint in the target. */
async function quotaByPin(env: Record<string, string> = {}): Promise<Ran> {
  const target = `ann@127.0.0.1:${server.port}`;
  return await scene.run(["quota", target, "--retries", "0"], {
    env: { ...PASSWORD.env, ...env },
  });
}

test("R14: a certificate that was made anew from the same key is the same server", async () => {
  const [before, { fingerprint }] = [await certificate(), server];
  await restartAfter(() => rm(identity("crt")));
  const after = await certificate();
  const { status } = await quotaByPin();

  expect(after.serialNumber).not.toBe(before.serialNumber);
  expect(server.fingerprint).toBe(fingerprint);
  expect(status).toBe(0);
});

test("the certificate has no end: RFC 5280's date for that", async () => {
  const { validTo } = await certificate();

  expect(new Date(validTo).toISOString()).toBe("9999-12-31T23:59:59.000Z");
});

test.skipIf(!HAS_FAKETIME)(
  "a certificate that ran out long ago, of the same key, is as good",
  async () => {
    const { fingerprint } = server;
    await restartAfter(async () => {
      const words = ["req", "-x509", "-key", identity("key"), "-subj", "/CN=old", "-days", "1"];
      const made = Bun.spawn(
        ["faketime", "2001-01-01 00:00:00", "openssl", ...words, "-out", identity("crt")],
        { stdout: "ignore", stderr: "ignore" },
      );
      expect(await made.exited).toBe(0);
    });
    const { validTo } = await certificate();
    const { status, stderr } = await quotaByPin();

    expect(new Date(validTo).getUTCFullYear()).toBe(2001);
    expect(server.fingerprint).toBe(fingerprint);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  },
);

test.skipIf(!HAS_FAKETIME)(
  "F12: a client whose clock is decades off trusts the same key",
  async () => {
    const { stdout } = Bun.spawnSync(["faketime", "-f", "+0", "sh", "-c", "echo $LD_PRELOAD"]);
    const LD_PRELOAD = stdout.toString().trim();
    for (const FAKETIME of ["+60y", "-20y"]) {
      const { status, stderr } = await quotaByPin({
        LD_PRELOAD,
        FAKETIME,
        DONT_FAKE_MONOTONIC: "1",
      });

      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    }
  },
);
