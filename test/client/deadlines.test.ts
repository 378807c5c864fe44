import { expect, test } from "bun:test";
import {
  ANSWER_MS_MAX,
  CONTENT_STALL_MS_MAX,
  OPENING_MS_MAX,
  PROGRESS_BYTES_MIN,
} from "../../src/base/limits.ts";
import { HOME, parsePath } from "../../src/base/path.ts";
import type { FtpxError } from "../../src/base/errors.ts";
import { Client } from "../../src/client/client.ts";
import { TABLE } from "../../src/commands/table.ts";
import { encodeFrame, FLAG_REPLY } from "../../src/wire/frame.ts";
import { encodeBody } from "../../src/wire/shape.ts";
import { outcomeOf } from "../support/refusal.ts";
import { FakeSocket } from "../support/socket.ts";

const LATE_MS = 1000;
const PATH = parsePath("/a");
const WISH = { path: PATH, algorithm: "sha256", fromOffset: 0, version: undefined } as const;
const OPENED = { totalBytes: 1e9, modifiedMs: 1, version: "v", windowBytes: 1e6 };

function made(): Client {
  return new Client(new FakeSocket(), () => new Uint8Array(0));
}

test("an answer that costs nothing and does not come ends the connection, pings or not", async () => {
  const client = made();
  const asked = client.call("stat", { path: HOME });
  client.demandProgress(performance.now() + ANSWER_MS_MAX - LATE_MS);
  expect(client.isOpen).toBeTrue();
  client.demandProgress(performance.now() + ANSWER_MS_MAX + LATE_MS);

  expect(await outcomeOf(asked)).toBe("PEER_SILENT");
  expect(client.isOpen).toBeFalse();
});

test.each(["digest", "remove", "commit"] as const)("%s may take as long as it takes", (name) => {
  const client = made();
  const requests = {
    digest: { path: PATH, algorithm: "sha256" },
    remove: { path: PATH, isRecursive: true },
    commit: { transfer: 1, totalBytes: 0, digest: new Uint8Array(32), chunks: 1 },
  } as const;
  client.call(name, requests[name] as never).catch(() => {});
  client.demandProgress(performance.now() + 24 * 3_600_000);

  expect(client.isOpen).toBeTrue();
  client.connection.terminate();
});

test("a transfer that does not open has longer, and not for ever", async () => {
  const client = made();
  const opening = client.call("openDownload", { ...WISH, windowBytes: 1e6 });
  client.demandProgress(performance.now() + ANSWER_MS_MAX + LATE_MS);
  expect(client.isOpen).toBeTrue();
  client.demandProgress(performance.now() + OPENING_MS_MAX + LATE_MS);

  expect(await outcomeOf(opening)).toBe("PEER_SILENT");
});

/** A download that is open, and what it waits for. */
async function downloading(isWaiting: () => boolean) {
  const client = made();
  const failures: string[] = [];
  const listener = {
    stallMsMax: CONTENT_STALL_MS_MAX,
    notice: () => {},
    isWaiting,
    failed: ({ kind }: FtpxError) => void failures.push(kind),
  };
  const { id, reply } = client.start("openDownload", { ...WISH, windowBytes: 1e6 }, listener);
  const body = encodeBody(TABLE.openDownload.reply, OPENED);
  client.connection.received(encodeFrame(TABLE.openDownload.code, FLAG_REPLY, id, body));
  await reply;
  const startMs = performance.now();
  client.demandProgress(startMs);
  return { client, id, failures, startMs };
}

test("content that does not come ends the transfer, and the connection goes on", async () => {
  const { client, failures, startMs } = await downloading(() => true);
  client.demandProgress(startMs + CONTENT_STALL_MS_MAX - LATE_MS);
  expect(failures).toEqual([]);
  client.demandProgress(startMs + CONTENT_STALL_MS_MAX + LATE_MS);

  expect(failures).toEqual(["TRANSFER_STALLED"]);
  expect(client.isOpen).toBeTrue();
  client.connection.terminate();
});

test("a transfer that this side keeps waiting has not stalled, and its time begins with its turn", async () => {
  let isWaiting = false;
  const { client, failures, startMs } = await downloading(() => isWaiting);
  client.demandProgress(startMs + 2 * CONTENT_STALL_MS_MAX);
  isWaiting = true;
  client.demandProgress(startMs + 3 * CONTENT_STALL_MS_MAX);
  client.demandProgress(startMs + 4 * CONTENT_STALL_MS_MAX - LATE_MS);

  expect(failures).toEqual([]);
  client.connection.terminate();
});

test.each([
  [1, ["TRANSFER_STALLED"]],
  [PROGRESS_BYTES_MIN, []],
])("%p bytes in the time: %p", async (bytes, expected) => {
  const { client, id, failures, startMs } = await downloading(() => true);
  await Bun.sleep(20);
  client.content(id, 0, new Uint8Array(bytes));
  client.demandProgress(startMs + CONTENT_STALL_MS_MAX + 10);

  expect(failures).toEqual(expected);
  client.connection.terminate();
});
