/** TLS and trust, against OpenSSL and against a server with another key. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { rm } from "node:fs/promises";
import { Scene } from "./binary.ts";
import type { Server } from "./binary.ts";

const PASSWORD = { env: { FTPX_PASSWORD: "pw" } };

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  server = await scene.serve();
});

afterAll(() => scene.end());

async function openssl(...options: string[]): Promise<string> {
  const target = ["-connect", `127.0.0.1:${server.port}`];
  const child = Bun.spawn(["openssl", "s_client", ...target, ...options], {
    stdin: new Blob([""]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return stdout + stderr;
}

test("T2: TLS 1.3 completes with our ALPN name", async () => {
  const output = await openssl("-alpn", "ftpx/1", "-tls1_3");

  expect(output).toContain("ALPN protocol: ftpx/1");
  expect(output).toContain("TLSv1.3");
});

test.each(["-tls1_2", "-tls1_1", "-tls1"])("T2: %s is refused", async (version) => {
  const output = await openssl("-alpn", "ftpx/1", version);

  expect(output).not.toContain("ALPN protocol: ftpx/1");
  expect(output).toMatch(
    /alert protocol version|alert number 70|no protocols available|handshake failure/,
  );
});

test("T4: another ALPN name is refused by alert 120", async () => {
  expect(await openssl("-alpn", "h2")).toContain("alert number 120");
});

test("an unknown key is refused with 77 unless it may be taken", async () => {
  const target = `ann@127.0.0.1:${server.port}`;
  const refused = await scene.run(["quota", target], PASSWORD);
  const taken = await scene.run(["quota", target, "--accept-new"], PASSWORD);
  const known = await scene.run(["quota", target], PASSWORD);

  expect([refused.status, taken.status, known.status]).toEqual([77, 0, 0]);
  expect(refused.stderr).toContain(server.fingerprint);
});

test("T3: a changed key is refused with 77, with both fingerprints, by any option", async () => {
  const before = server.fingerprint;
  const { port } = server;
  await scene.run(["quota", server.target("ann")], PASSWORD);
  await server.stop();
  await rm(`${scene.data}/storage/.ftpx/identity.key`);
  await rm(`${scene.data}/storage/.ftpx/identity.crt`);
  server = await scene.serve("--listen", `127.0.0.1:${port}`);
  expect(server.fingerprint).not.toBe(before);

  for (const target of [`ann@127.0.0.1:${port}`, server.target("ann")]) {
    const { status, stderr } = await scene.run(["quota", target, "--accept-new"], PASSWORD);
    expect(status).toBe(77);
    expect(stderr).toContain(before);
    expect(stderr).toContain(server.fingerprint);
  }
  // The client gave up before it sent anything: no session ever greeted.
  expect(server.events.filter(({ event }) => event === "session")).toEqual([]);
});

test("a target that names another key than the known one is refused with 77, and says so", async () => {
  await scene.run(["quota", server.target("ann"), "--accept-new"], {
    env: { FTPX_PASSWORD: "pw", FTPX_HOME: scene.path("other") },
  });
  const target = `ftpx://ann@127.0.0.1:${server.port}/#sha256:${"A".repeat(43)}`;
  const { status, stderr } = await scene.run(["quota", target], {
    env: { FTPX_PASSWORD: "pw", FTPX_HOME: scene.path("other") },
  });

  expect(status).toBe(77);
  expect(stderr).toContain("the target names a key that is not the one known");
});

test("nobody there is 69", async () => {
  const { status, stderr } = await scene.run(
    ["quota", "ann@127.0.0.1:1", "--accept-new"],
    PASSWORD,
  );

  expect(status).toBe(69);
  expect(stderr).toContain("cannot reach 127.0.0.1:1");
});
