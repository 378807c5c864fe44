/** Digests on the wire that are none, on the real port of the compiled executable. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { parsePath } from "../../src/base/path.ts";
import { DerivedKeys } from "../../src/base/scram.ts";
import { connect } from "../../src/client/connect.ts";
import { NOTICES } from "../../src/commands/notices.ts";
import { Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
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
    const { port, fingerprint } = server;
    const { client } = await connect(
      { host: "127.0.0.1", port, fingerprint, name: "test" },
      "test",
    );
    await client.signIn("ann", new DerivedKeys(() => "pw"));
    const ended = Promise.withResolvers<string>();
    const wish = {
      path: parsePath(`/of-${bytes}`),
      totalBytes: 100,
      modifiedMs: 1,
      source: new Uint8Array(32),
      algorithm: "sha256",
      isFresh: true,
      mayReplace: true,
    } as const;
    const { id, reply } = client.start("openUpload", wish, {
      notice: () => {},
      failed: ({ kind }) => ended.resolve(kind),
    });
    await reply;
    const proof = new Uint8Array(4 + 2 + bytes);
    proof[5] = bytes;
    client.connection.send(NOTICES.proof.code, 0, id, proof);

    expect(await ended.promise).toBe("BAD_BODY");
    expect(await outcomeOf(client.call("quota", {}))).toBe("none");
    client.close();
  },
);
