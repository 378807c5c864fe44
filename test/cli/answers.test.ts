import { afterEach, expect, spyOn, test } from "bun:test";
import type { ServerEvent } from "../../src/base/events.ts";
import { parseMode, tellingHow } from "../../src/cli/answers.ts";
import { Place } from "../../src/cli/place.ts";
import { refusal } from "../support/refusal.ts";

const write = spyOn(process.stderr, "write");

afterEach(() => write.mockClear());

/** What is said beside the event, which is passed on. */
function told(event: ServerEvent, root = "/srv/ftpx"): string {
  const passed: ServerEvent[] = [];
  write.mockImplementation(() => true);
  tellingHow((one) => void passed.push(one), new Place(root))(event);
  expect(passed).toEqual([event]);
  return write.mock.calls.map(([text]) => String(text)).join("");
}

const EVENT = { event: "registration", name: "ann", number: 7 } as const;

test.each([
  [{ taken: false, invited: false }, "    to answer: ftpx approve ann --data /srv/ftpx\n"],
  [{ sameName: 2 }, "    to answer: ftpx approve ann --request 7 --data /srv/ftpx\n"],
  [{ taken: true }, "    the name is taken; to say so: ftpx deny ann --data /srv/ftpx\n"],
  [{ invited: true }, ""],
  [{ event: "login" }, ""],
])("a request with %j is told with %j", (wish, text) => {
  expect(told({ ...EVENT, ...wish })).toBe(text);
});

test.each([
  ["/srv/my data", "'/srv/my data'"],
  ["/srv/ann's", String.raw`'/srv/ann'\''s'`],
  ["/srv/a\tb", String.raw`$'/srv/a\x09b'`],
])("the data directory %j can be pasted into a shell", (root, written) => {
  expect(told({ ...EVENT, taken: false }, root)).toBe(
    `    to answer: ftpx approve ann --data ${written}\n`,
  );
});

test("P6: nothing that a name can hold reaches the terminal", () => {
  expect(told({ ...EVENT, name: "a\u001b[2J" })).not.toContain("\u001b");
});

test("a mode that is none is refused with those that are", () => {
  expect(parseMode("invite")).toBe("invite");
  expect(() => parseMode("closed")).toThrow(refusal("USAGE"));
});
