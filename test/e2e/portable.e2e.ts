/**
 * What macOS and Windows have, on this machine: an executable that was built without any of the
 * system's own ways (`npm run build:portable`), and how it gets on with one that has them all.
 * The other end-to-end tests run on it with FTPX_BINARY; `.ci/run` says which.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatOperatorPort, parseOperatorPort } from "../../src/base/operatorport.ts";
import { connectOperator } from "../../src/client/connect.ts";
import { outcomeOf } from "../support/refusal.ts";
import { makeFile, Scene, Server, sha256Of } from "./binary.ts";

const PORTABLE = join(import.meta.dir, "../../dist/ftpx-portable");
const portableTest = test.skipIf(!existsSync(PORTABLE) || process.platform === "win32");

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
});

afterEach(() => scene.end());

const operatorFile = () => `${scene.data}/storage/.ftpx/operator.sock`;

/** The server that goes without. */
async function servePortable(): Promise<Server> {
  const words = ["serve", "--json", "--data", scene.data, "--listen", "127.0.0.1:0"];
  return await Server.open(scene.start(words, { binary: PORTABLE }));
}

portableTest("the operator's commands reach a server without unix sockets", async () => {
  const server = await servePortable();
  expect(lstatSync(operatorFile()).isFile()).toBe(true);
  expect(lstatSync(operatorFile()).mode & 0o777).toBe(0o600);

  expect(await scene.operate("who")).toMatchObject({ status: 0 });
  await scene.operate("drain");
  expect(await server.process.exited).toBe(0);
  expect(existsSync(operatorFile())).toBe(false);
  expect(await scene.operate("who")).toMatchObject({ status: 69 });
});

portableTest("what is not the server behind the operator's file is not spoken to", async () => {
  const server = await servePortable();
  const found = parseOperatorPort(readFileSync(operatorFile(), "utf8"));
  if (found === undefined) throw new Error("no port");

  const wrong = formatOperatorPort({ ...found, secret: new Uint8Array(32) });
  writeFileSync(operatorFile(), wrong);
  expect(await scene.operate("who")).not.toMatchObject({ status: 0 });
  // The users' door of the same server has another port and never takes a secret.
  writeFileSync(operatorFile(), formatOperatorPort({ ...found, port: server.port }));
  expect(await outcomeOf(callSessions())).not.toBe("none");
  // Another key: somebody who got the port after the server had ended.
  const fingerprint = `sha256:${"A".repeat(43)}`;
  writeFileSync(operatorFile(), formatOperatorPort({ ...found, fingerprint }));
  expect(await scene.operate("who")).toMatchObject({ status: 69 });

  writeFileSync(operatorFile(), formatOperatorPort(found));
  expect(await scene.operate("who")).toMatchObject({ status: 0 });
});

async function callSessions(): Promise<void> {
  const client = await connectOperator(operatorFile());
  try {
    await client.call("sessions", { after: 0 });
  } finally {
    client.close();
  }
}

portableTest("the file of a server that was killed is no server, and no obstacle", async () => {
  const killed = await servePortable();
  await killed.kill();
  expect(lstatSync(operatorFile()).isFile()).toBe(true);
  expect(await scene.operate("who")).toMatchObject({ status: 69 });

  await scene.serve();
  expect(await scene.operate("who")).toMatchObject({ status: 0 });
});

portableTest("P3: a file is stored as ever, and every link is refused", async () => {
  const digest = makeFile(scene.path("f"), 20_000_000);
  const env = { FTPX_PASSWORD: "pw" };
  const server = await servePortable();
  expect(await scene.run(["put", "f", server.target("ann", "/f")], { env })).toMatchObject({
    status: 0,
  });
  symlinkSync("/etc/passwd", join(scene.data, "storage/ann/out"));
  symlinkSync("f", join(scene.data, "storage/ann/in"));
  for (const link of ["/out", "/in"]) {
    const { status } = await scene.run(["get", server.target("ann", link), "l"], { env });
    expect([link, status]).toEqual([link, 77]);
  }
  expect(await server.stop()).toBe(0);

  const full = await scene.serve();
  const options = { env, binary: PORTABLE };
  expect(await scene.run(["get", full.target("ann", "/f"), "g"], options)).toMatchObject({
    status: 0,
  });
  expect(await sha256Of(scene.path("g"))).toBe(digest);
});
