/** Servers that would keep the client for ever: the compiled client ends with a typed error. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { makeFile, Scene, Server } from "./binary.ts";

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  makeFile(scene.path("f"), 9 * 1024 * 1024);
});

afterAll(() => scene.end());

const PROGRAM = join(import.meta.dir, "stubborn.ts");

/** What one command of the client makes of a server of this manner. */
async function meeting(
  manner: string,
  wordsOf: (server: Server) => string[],
): Promise<{ status: number; stderr: string }> {
  const child = Bun.spawn([process.execPath, PROGRAM, scene.data, manner], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  try {
    const server = await Server.open(child);
    return await scene.run(wordsOf(server), { env: { FTPX_PASSWORD: "pw" } });
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}

const put = (server: Server) => ["put", scene.path("f"), server.target("ann", "/f")];

const get = (server: Server) => ["get", server.target("ann", "/f"), scene.path("got")];

test("D7: an upload whose window is nothing ends", async () => {
  const { status, stderr } = await meeting("shut window", put);

  expect([status, stderr]).toEqual([76, expect.stringContaining("window")]);
});

test("D1: chunks that cannot be are not asked for", async () => {
  const { status, stderr } = await meeting("many chunks", put);

  expect([status, stderr]).toEqual([76, expect.stringContaining("chunks of an unfinished upload")]);
});

test("D7: proofs without a reply end the connection", async () => {
  const { status, stderr } = await meeting("proofs first", get);

  expect([status, stderr]).toEqual([
    76,
    expect.stringContaining("more than it was given room for"),
  ]);
});

test("D7: a listing of nothing without end ends", async () => {
  const { status, stderr } = await meeting("empty pages", (server) => ["ls", server.target("ann")]);

  expect([status, stderr]).toEqual([76, expect.stringContaining("a page of nothing")]);
});

test("T3: a server cannot have us say that a key is to be removed", async () => {
  const { status, stderr } = await meeting("own advice", (server) => ["ls", server.target("ann")]);

  expect([status, stderr]).toEqual([76, expect.stringContaining("(code 25)")]);
  expect(stderr).not.toContain("passwd");
});
