import { expect, test } from "bun:test";
import { Networks, parseNetwork, unmapped } from "../../src/sessions/networks.ts";
import { kindOf } from "../support/refusal.ts";

test.each([
  ["192.0.2.7", "192.0.2.7", true],
  ["192.0.2.7", "192.0.2.8", false],
  ["192.0.2.7", "::ffff:192.0.2.7", true],
  ["10.0.0.0/8", "10.255.0.1", true],
  ["10.0.0.0/8", "11.0.0.1", false],
  ["0.0.0.0/0", "203.0.113.9", true],
  ["0.0.0.0/0", "2001:db8::1", false],
  ["2001:db8::/32", "2001:db8:1:2::3", true],
  ["2001:db8::/32", "2001:db9::1", false],
  ["::1", "::1", true],
  ["fe80::/10", "fe80::1%eth0", true],
  ["::1", "local", false],
])("the network %s with %s in it: %p", (network, address, isIn) => {
  expect(new Networks(["198.51.100.1", network]).has(address)).toBe(isIn);
});

test("no list holds nobody", () => {
  expect(new Networks().has("192.0.2.7")).toBe(false);
});

test.each([
  "",
  "/",
  "ann",
  "192.0.2",
  "192.0.2.7/",
  "192.0.2.7/33",
  "192.0.2.7/-1",
  "192.0.2.7/8/8",
  "192.0.2.7/x",
  "2001:db8::/129",
  "[::1]",
  " ::1",
  "10.0.0.0/1e1",
])("%p is no network", (text) => {
  expect(kindOf(() => parseNetwork(text))).toBe("USAGE");
});

test("what is a network stays as it was written", () => {
  expect(parseNetwork("10.0.0.0/8")).toBe("10.0.0.0/8");
  expect(unmapped("::ffff:192.0.2.7")).toBe("192.0.2.7");
  expect(unmapped("::ffff:c000:207")).toBe("::ffff:c000:207");
});
