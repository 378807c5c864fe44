/** Digests on the wire that are none, on the real port of the compiled executable. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { NOTICES } from "../../src/commands/notices.ts";
import { Scene } from "./binary.ts";
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
