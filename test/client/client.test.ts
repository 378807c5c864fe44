import { expect, test } from "bun:test";
import { Client } from "../../src/client/client.ts";
import { TABLE } from "../../src/commands/table.ts";
import { encodeFrame, FLAG_REPLY } from "../../src/wire/frame.ts";
import { refusal } from "../support/refusal.ts";
import { FakeSocket } from "../support/socket.ts";

test("a reply that cannot be read ends the call and the connection", async () => {
  const client = new Client(new FakeSocket(), () => new Uint8Array(0));
  const { id, reply } = client.start("quota", {});
  const other = client.call("quota", {});
  client.connection.received(encodeFrame(TABLE.quota.code, FLAG_REPLY, id, Uint8Array.of(1, 2, 3)));

  expect(reply).rejects.toThrow(refusal("BAD_BODY"));
  expect(other).rejects.toThrow(refusal("BAD_BODY"));
  expect(client.isOpen).toBe(false);
});

test("only a client whose calls are all answered leaves without the server's FIN", () => {
  const socket = new FakeSocket();
  const client = new Client(socket, () => new Uint8Array(0));
  client.start("quota", {}).reply.catch(() => {});
  client.close();
  const idle = new FakeSocket();
  new Client(idle, () => new Uint8Array(0)).close();

  expect([...socket.calls, ...idle.calls].filter((call) => call === "unref")).toHaveLength(1);
  expect(idle.calls).toEqual(["shutdown", "unref"]);
});
