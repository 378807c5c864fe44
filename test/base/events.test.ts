import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { formatEvent } from "../../src/base/events.ts";

const TIME = new Date("2026-01-02T03:04:05.678Z");

test("an event is one JSON object with its time first", () => {
  const line = formatEvent({ event: "login", session: 7, user: "ann", wasNew: false }, TIME);

  expect(line).toBe(
    '{"time":"2026-01-02T03:04:05.678Z","event":"login","session":7,"user":"ann","wasNew":false}',
  );
});

test("a field that is absent is left out", () => {
  expect(formatEvent({ event: "login", user: undefined }, TIME)).not.toContain("user");
});

test("I4: whatever a value holds, an event is one line that reads back exactly", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (user) => {
      const line = formatEvent({ event: "login-failed", user }, TIME);
      expect(line).not.toContain("\n");
      expect(JSON.parse(line)).toEqual({ time: TIME.toISOString(), event: "login-failed", user });
    }),
  );
});

test("I4, P6: nothing in a value reaches whoever shows the log as a control character", () => {
  const points = [...Array.from({ length: 0xa0 }, (_zero, point) => point), 0x2028, 0x2029];
  const user = String.fromCodePoint(...points);
  const line = formatEvent({ event: "login-failed", user }, TIME);

  expect(line).toMatch(/^[\u0020-\u007e]*$/);
  expect(JSON.parse(line).user).toBe(user);
});

test("I4: a line that pretends to be another event stays a value", () => {
  const user = 'x\n{"event":"login","user":"root"}';
  const line = formatEvent({ event: "login-failed", user }, TIME);

  expect(line.split("\n")).toHaveLength(1);
  expect(JSON.parse(line)).toMatchObject({ event: "login-failed", user });
});

test.each(["password", "newPassword", "secret", "proof", "verifier", "privateKey"])(
  "A11: an event with a field %p is a defect",
  (field) => {
    expect(() => formatEvent({ event: "login", [field]: "x" }, TIME)).toThrow("may hold a secret");
  },
);
