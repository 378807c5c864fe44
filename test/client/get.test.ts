/** A download from a server that sends all it may before the client has looked at its part. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { composeDigest, createHasher } from "../../src/base/digest.ts";
import { CHUNK_BYTES, CONTENT_BYTES_MAX, WINDOW_BYTES } from "../../src/base/limits.ts";
import type { Client, TransferListener } from "../../src/client/client.ts";
import { downloadOnce } from "../../src/client/get.ts";
import { Chance } from "../support/chance.ts";
import { Folder } from "../support/folder.ts";
import { jobOf } from "../support/job.ts";
import { refusal } from "../support/refusal.ts";

/** One window, which is one chunk, and then more than fits into a frame. */
const CONTENT = new Chance(5).bytes(WINDOW_BYTES + CONTENT_BYTES_MAX + 5);

let folder: Folder;

beforeEach(() => {
  folder = new Folder();
});

afterEach(() => folder.remove());

async function digestOf(content: Uint8Array): Promise<Uint8Array> {
  const hasher = await createHasher("sha256");
  hasher.update(content);
  return hasher.finish();
}

/**
 * The client of a server that has CONTENT. Its first flight comes in the same read as its reply:
 * this much content and, where a chunk ends in it, the proof. The rest follows the first
 * acknowledgement.
 */
async function eagerClient(firstBytes: number): Promise<Client> {
  const chunks = [CONTENT.subarray(0, CHUNK_BYTES), CONTENT.subarray(CHUNK_BYTES)];
  const digests = await Promise.all(chunks.map(digestOf));
  const { bytes } = await composeDigest("sha256", digests);
  let [listener, sentBytes]: [TransferListener | undefined, number] = [undefined, 0];
  const send = (untilBytes: number) => {
    while (sentBytes < untilBytes) {
      const end = Math.min(sentBytes + CONTENT_BYTES_MAX, untilBytes);
      listener?.content?.(sentBytes, CONTENT.subarray(sentBytes, end));
      sentBytes = end;
      const [digest] = digests;
      if (end === CHUNK_BYTES && digest !== undefined)
        listener?.notice("proof", { index: 0, digest });
    }
  };
  const totalBytes = CONTENT.byteLength;
  const reply = { totalBytes, modifiedMs: 1, version: "v", windowBytes: WINDOW_BYTES };
  return {
    isOpen: true,
    start(_name: string, _request: unknown, heard: TransferListener) {
      listener = heard;
      send(firstBytes);
      return { id: 1, reply: Promise.resolve(reply) };
    },
    notify() {
      if (sentBytes === totalBytes) return;
      send(totalBytes);
      listener?.notice("end", { totalBytes, chunks: digests.length, digest: bytes });
    },
    call: async () => ({}),
    forget() {},
  } as unknown as Client;
}

test("a whole window and its proof may come before the part was looked at", async () => {
  const client = await eagerClient(WINDOW_BYTES);
  const copied = await downloadOnce(client, jobOf(folder.at("f"), "/f"), "server");

  expect(copied).toMatchObject({ bytes: CONTENT.byteLength, resumedAt: 0 });
  expect(Buffer.compare(folder.read("f"), CONTENT)).toBe(0);
});

test("content beyond the window before the part was looked at is refused", async () => {
  const client = await eagerClient(CONTENT_BYTES_MAX + WINDOW_BYTES);

  expect(downloadOnce(client, jobOf(folder.at("f"), "/f"), "server")).rejects.toThrow(
    refusal("WINDOW_EXCEEDED"),
  );
  expect(existsSync(folder.at("f"))).toBe(false);
});
