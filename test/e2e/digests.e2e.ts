/**
 * Digests on the wire that are none, and those that the server remembers, on the real port of the
 * compiled executable.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { NOTICES } from "../../src/commands/notices.ts";
import { digestOf, flipBehindItsTime, grow, MIB } from "../campaign/proof-files.ts";
import { makeFile, Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { openWatched, signedIn } from "./wire.ts";
import { outcomeOf } from "../support/refusal.ts";

let scene: Scene;
let server: Server;

beforeAll(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  server = await scene.serve();
});

afterAll(() => scene.end());

test.each([0, 16])(
  "D7: a proof of %p bytes for SHA-256 ends the transfer, not the session",
  async (bytes) => {
    const client = await signedIn(server);
    const { id, reply, failed } = openWatched(client, `/of-${bytes}`, 100);
    await reply;
    const proof = new Uint8Array(4 + 2 + bytes);
    proof[5] = bytes;
    client.connection.send(NOTICES.proof.code, 0, id, proof);

    expect(await failed).toBe("BAD_BODY");
    expect(await outcomeOf(client.call("quota", {}))).toBe("none");
    client.close();
  },
);

test("F2: digests that the server remembers are of the file as it is now", async () => {
  const env = { FTPX_PASSWORD: "pw" };
  const [local, back] = [scene.path("local"), scene.path("back")];
  const stored = `${scene.data}/storage/ann/kept`;
  makeFile(local, 20 * MIB);
  const target = server.target("ann", "/kept");
  expect(await scene.run(["put", local, target], { env })).toMatchObject({ status: 0 });
  for (const change of [() => {}, flipBehindItsTime, (path: string) => grow(path, 1)]) {
    change(stored);
    expect(await scene.run(["get", target, back, "--retries", "0"], { env })).toMatchObject({
      status: 0,
    });
    expect(await digestOf(back)).toBe(await digestOf(stored));
  }
});
