import { expect, test } from "bun:test";
import { REGISTRATIONS_HOUR_MAX, SOURCES_MAX } from "../../src/base/limits.ts";
import { sourceOf, Sources } from "../../src/sessions/sources.ts";
import { kindOf, refusal } from "../support/refusal.ts";

const HOUR_MS = 3_600_000;

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"],
  ["2001:0db8:0001:0002::", "2001:db8:1:2::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["::FFFF:c000:207", "192.0.2.7"],
  ["0:0:0:0:0:ffff:192.0.2.7", "192.0.2.7"],
  ["64:ff9b::192.0.2.7", "192.0.2.7"],
  ["64:ff9b:1::192.0.2.7", "64:ff9b:1:0::/64"],
  ["2001:db8::192.0.2.7", "2001:db8:0:0::/64"],
])("A5, A9: the source of %s is %s", (address, source) => {
  expect(sourceOf(address)).toBe(source);
});

test("A9: a source may ask so often in an hour, and hears when it may again", () => {
  const sources = new Sources();
  for (let index = 0; index < REGISTRATIONS_HOUR_MAX; index += 1) sources.note("one", index);

  const details = { limit: REGISTRATIONS_HOUR_MAX, retryAfterMs: HOUR_MS - 500 };
  expect(() => sources.note("one", 500)).toThrow(refusal("REGISTERED_OFTEN", details));
  expect(kindOf(() => sources.note("two", 500))).toBe("done");
  expect(kindOf(() => sources.note("one", HOUR_MS))).toBe("done");
  expect(kindOf(() => sources.note("one", HOUR_MS))).toBe("REGISTERED_OFTEN");
});

test("A9: what is remembered is bounded, and the one that was silent longest is forgotten", () => {
  const sources = new Sources();
  for (let index = 0; index < REGISTRATIONS_HOUR_MAX; index += 1) sources.note("busy", 0);
  for (let index = 0; index < SOURCES_MAX - 1; index += 1) sources.note(`source ${index}`, 1);
  expect(kindOf(() => sources.note("busy", 2))).toBe("REGISTERED_OFTEN");
  for (let index = 0; index < 100; index += 1) sources.note(`other ${index}`, 3);

  expect(sources.size).toBe(SOURCES_MAX);
  expect(kindOf(() => sources.note("busy", 4))).toBe("done");
});
