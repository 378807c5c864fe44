/** Rights that are taken away while something that needs them is under way. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import { parsePath } from "../../src/base/path.ts";
import type { Client } from "../../src/client/client.ts";
import { outcomeOf } from "../support/refusal.ts";
import { Scene } from "./binary.ts";
import type { Server } from "./binary.ts";
import { commitPiece, openWatched, sendPiece, signedIn } from "./wire.ts";

const MIB = 1024 * 1024;
const CONTENT = Buffer.from("replaced");

let scene: Scene;
let server: Server;
let client: Client;

beforeEach(async () => {
  scene = await Scene.begin();
  await scene.addUser("ann", "pw");
  server = await scene.serve();
  client = await signedIn(server);
  await writeFile(stored("file"), "secret");
});

afterEach(async () => {
  client.close();
  await scene.end();
});

const stored = (name: string) => `${scene.data}/storage/ann/${name}`;

/** As the operator does it; resolves when the server has taken it. */
async function grant(access: string): Promise<void> {
  const { status } = await server.reloadAfter(() =>
    scene.operate("usermod", "ann", "--access", access),
  );
  expect(status).toBe(0);
}

/** An upload over /file, all of whose content was sent; `failed` is how the server ends it. */
async function sendUpload() {
  const { id, reply, failed } = openWatched(client, "/file", CONTENT.byteLength);
  await reply;
  await sendPiece(client, id, 0, CONTENT);
  return { commit: () => outcomeOf(commitPiece(client, id, CONTENT)), failed };
}

test("A7: the right to replace is asked for again when an upload is published", async () => {
  const upload = await sendUpload();
  await grant("upload-only");

  expect(await upload.commit()).toBe("EXISTS");
  expect(await readFile(stored("file"), "utf8")).toBe("secret");
  await grant("full");
  expect(await (await sendUpload()).commit()).toBe("none");
  expect(await readFile(stored("file"), "utf8")).toBe("replaced");
});

test("A7: an upload ends when its account may only read", async () => {
  const upload = await sendUpload();
  await grant("read-only");

  expect(await upload.failed).toBe("FORBIDDEN");
  expect(await upload.commit()).toBe("FORBIDDEN");
  expect(await readFile(stored("file"), "utf8")).toBe("secret");
});

test("A7: a download ends when its account may only upload", async () => {
  await writeFile(stored("big"), Buffer.alloc(32 * MIB, 1));
  const ended = Promise.withResolvers<string>();
  const windowBytes = MIB;
  let receivedBytes = 0;
  const request = { path: parsePath("/big"), algorithm: "sha256", fromOffset: 0 } as const;
  const { id, reply } = client.start(
    "openDownload",
    { ...request, version: undefined, windowBytes },
    {
      content: (_offset, piece) => {
        receivedBytes += piece.byteLength;
      },
      notice: (name) => void (name === "end" && ended.resolve("end")),
      failed: ({ kind }) => ended.resolve(kind),
    },
  );
  await reply;
  await grant("upload-only");
  client.notify(id, "ack", { offset: receivedBytes });

  expect(await ended.promise).toBe("FORBIDDEN");
  expect(receivedBytes).toBeLessThanOrEqual(2 * windowBytes);
  expect(await outcomeOf(client.call("quota", {}))).toBe("none");
});
