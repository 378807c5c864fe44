/**
 * Refusals that another attempt does not mend: the client says so once, over the connection it
 * has, and sends nothing of a file that has no room.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir } from "node:fs/promises";
import { makeFile, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { Tap } from "./tap.ts";

const MIB = 1024 * 1024;
const PASSWORD = { env: { FTPX_PASSWORD: "pw" } };

/** A handshake, a sign-in and one refused request, many times over. */
const TALK_BYTES_MAX = 32 * 1024;

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("full", "pw", "--quota", "1 MiB");
  await scene.addUser("few", "pw", "--files", "0");
  await scene.addUser("reader", "pw", "--access", "read-only");
  server = await scene.serve();
  makeFile(scene.path("large"), 10 * MIB);
  await mkdir(scene.path("tree"));
  makeFile(scene.path("tree", "large"), 10 * MIB);
});

afterAll(() => scene.end());

test.each([
  ["full", ["put"], "large", 73, "does not fit into your quota"],
  ["few", ["put"], "large", 73, "too many files"],
  ["reader", ["put"], "large", 77, "your account may not do this"],
  ["full", ["sync"], "tree", 73, "does not fit into your quota"],
])(
  "Q12: %s %p of %s is refused once, before any content",
  async (user, verb, what, wanted, text) => {
    const tap = await Tap.open(server.port);
    const target = server.target(user, "/to", tap.port);
    // The first contact looks at the key with a connection of its own.
    await scene.run(["quota", target], PASSWORD);
    const before = tap.connectionCount;
    const { status, stderr } = await scene.run(
      [...verb, scene.path(what), target, "--retries", "5"],
      PASSWORD,
    );
    const [sentBytes, { connectionCount }] = [tap.toServer.byteLength, tap];
    tap.close();

    expect(status).toBe(wanted);
    expect(stderr).toContain(text);
    expect(stderr).not.toContain("again in");
    expect(connectionCount - before).toBe(1);
    expect(sentBytes).toBeLessThan(TALK_BYTES_MAX);
  },
);
