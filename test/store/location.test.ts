import { expect, test } from "bun:test";
import { Directory } from "../../src/store/location.ts";
import { failureOf } from "../support/refusal.ts";

test("P2: a directory that was closed leads nowhere, whoever has its number by then", async () => {
  const directory = await Directory.open("/tmp");
  directory.close();
  const failure = await failureOf(directory.openEntry(Buffer.from("x")));

  expect(String(failure)).toContain("used after it was closed");
  expect(() => directory.fd).toThrow("used after it was closed");
});
