import { expect, test } from "bun:test";
import { BODY_BYTES_MAX } from "../../src/base/limits.ts";
import { Connection } from "../../src/wire/connection.ts";
import { CONTENT_PREFIX_BYTES, sealContent } from "../../src/wire/frame.ts";
import { Owner } from "../support/owner.ts";
import { FakeSocket } from "../support/socket.ts";

test("a slice of what a socket read is a copy, though sockets hand out Buffers", () => {
  const owner = new Owner();
  const connection = new Connection(new FakeSocket(), owner, BODY_BYTES_MAX);
  const kept: Uint8Array[] = [];
  owner.content = (_id, _offset, piece) => void kept.push(piece.slice());
  const content = new Uint8Array(8192).fill(7);
  const read = Buffer.alloc(CONTENT_PREFIX_BYTES + content.byteLength);
  read.set(content, CONTENT_PREFIX_BYTES);
  sealContent(read, 7, 0, content.byteLength);
  connection.received(read);

  expect(read.byteLength).toBe(0);
  expect(kept).toEqual([content]);
});
