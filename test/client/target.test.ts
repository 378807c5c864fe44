import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { FtpxError } from "../../src/base/errors.ts";
import { formatTarget, formatHost, parseTarget, PORT_DEFAULT } from "../../src/client/target.ts";
import { kindOf, refusal } from "../support/refusal.ts";

const FINGERPRINT = `sha256:${"aZ09-_".repeat(7)}x`;

/** What a text names: user, host, port, path, and whether the path is a directory. */
function partsOf(text: string): unknown[] {
  const { user, host, port, path, isDirectory, fingerprint } = parseTarget(text);
  return [user, host, port, path, isDirectory, fingerprint];
}

const USUAL = [undefined, "host", PORT_DEFAULT, "/", true, undefined];

function usualBut(changes: Record<number, unknown>): unknown[] {
  return USUAL.map((part, index) => (index in changes ? changes[index] : part));
}

test.each([
  ["host", {}],
  ["ann@host", { 0: "ann" }],
  ["@host", {}],
  ["host:1234", { 2: 1234 }],
  ["host:65535", { 2: 65_535 }],
  ["host/", {}],
  ["host/a/b", { 3: "/a/b", 4: false }],
  ["host/a/b/", { 3: "/a/b", 4: true }],
  ["host//a", { 3: "/a", 4: false }],
  ["host/a/../b", { 3: "/b", 4: false }],
  ["ann@host:22/a@b:7", { 0: "ann", 2: 22, 3: "/a@b:7", 4: false }],
  [`host#${FINGERPRINT}`, { 5: FINGERPRINT }],
  [`ann@host:22/a#${FINGERPRINT}`, { 0: "ann", 2: 22, 3: "/a", 4: false, 5: FINGERPRINT }],
  ["127.0.0.1", { 1: "127.0.0.1" }],
  ["[::1]", { 1: "::1" }],
  ["[::1]:1234/a", { 1: "::1", 2: 1234, 3: "/a", 4: false }],
  ["ann@[fe80::1%eth0]", { 0: "ann", 1: "fe80::1%eth0" }],
])("target %s is taken apart", (text, changes) => {
  expect(partsOf(text)).toEqual(usualBut(changes));
});

test.each([
  ["host/a%20b", "/a%20b"],
  ["host/a#b", "/a#b"],
  ["host/a?b", "/a?b"],
  ["host/a b", "/a b"],
])("without ftpx:// the path of %s is taken as it stands", (text, path) => {
  expect<string>(parseTarget(text).path).toBe(path);
});

test.each([
  ["ftpx://host", "/"],
  ["ftpx://host/a%20b", "/a b"],
  ["ftpx://host/a%23b%3fc", "/a#b?c"],
  ["ftpx://host/%C3%A9", "/é"],
  ["FTPX://host/a", "/a"],
  ["ftpx://host/a%2Fb", "/a/b"],
  ["ftpx://host/%2e%2e%2fa/../b".replace("%2e%2e%2f", "x%2f"), "/x/b"],
  [`ftpx://host/a%23b#${FINGERPRINT}`, "/a#b"],
])("with ftpx:// the path of %s is percent-decoded", (text, path) => {
  expect<string>(parseTarget(text).path).toBe(path);
});

test.each([
  ["", "USAGE"],
  ["/a", "USAGE"],
  ["ann@", "USAGE"],
  ["ftpx://", "USAGE"],
  ["ftpx:///a", "USAGE"],
  [":22", "USAGE"],
  ["host:", "USAGE"],
  ["host:x", "USAGE"],
  ["host:65536", "USAGE"],
  ["host:-1", "USAGE"],
  ["host:123456", "USAGE"],
  ["a@b@host", "USAGE"],
  ["::1", "USAGE"],
  ["[::1", "USAGE"],
  ["[host]", "USAGE"],
  ["[::1]x", "USAGE"],
  ["host#sha256:short", "USAGE"],
  ["host#abc", "USAGE"],
  ["#host", "USAGE"],
  ["a#b@host/x", "USAGE"],
  ["ho\0st", "USAGE"],
  ["a\u001b[2J@host", "USAGE"],
  ["ho\ud800st", "USAGE"],
  [`host#${FINGERPRINT}x`, "USAGE"],
  ["ftpx://host/%", "USAGE"],
  ["ftpx://host/%ff", "USAGE"],
  ["ftpx://host/%00", "BAD_PATH"],
  ["host/..", "OUTSIDE_HOME"],
  ["ftpx://host/%2e%2e/a", "OUTSIDE_HOME"],
  [`host/${"x".repeat(256)}`, "NAME_TOO_LONG"],
] as const)("target %p is refused", (text, kind) => {
  expect(kindOf(() => parseTarget(text))).toBe(kind);
});

test("a refused target is named in the refusal", () => {
  expect(() => parseTarget("ann@")).toThrow(
    refusal("USAGE", { reason: '"ann@" is not a target ([ftpx://][USER@]HOST[:PORT][/PATH])' }),
  );
});

test("every text is a target or a refusal", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...Array.from("ab:/@[]#%.1-é ")), maxLength: 20 }),
      (text) => {
        const kinds = ["done", "USAGE", "BAD_PATH", "OUTSIDE_HOME", "NAME_TOO_LONG"];
        expect(kinds).toContain(kindOf(() => parseTarget(text)));
      },
    ),
    { numRuns: 3000 },
  );
});

test.each([
  ["host", 9999, "host:9999"],
  ["::1", 1, "[::1]:1"],
])("a server is named %s and port %p: %s", (host, port, name) => {
  expect(formatHost(host, port)).toBe(name);
  expect(parseTarget(name)).toMatchObject({ host, port });
});

test.each([
  "ftpx://ann@h/",
  "ftpx://[::1]:7/a%20b/%23c%25/",
  "ftpx://h:9999#sha256:Yb3nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
])("formatTarget writes what parseTarget reads, as %p", (text) => {
  const target = parseTarget(text);

  expect(parseTarget(formatTarget(target))).toEqual(target);
});

test.each(["ftpx://h:1/#abc", "ftpx://h/a#b", "ftpx://h/#sha256:short"])(
  "%p is refused for its fingerprint",
  (text) => {
    expect(() => parseTarget(text)).toThrow(
      expect.objectContaining({
        details: { reason: expect.stringContaining("not a whole fingerprint") },
      }),
    );
  },
);

/** What is said can be done about a text that is no target. */
function hintOf(text: string): string | undefined {
  try {
    parseTarget(text);
    return "none is needed";
  } catch (error) {
    return error instanceof FtpxError ? error.hint : String(error);
  }
}

test.each([
  ["ann@host:/a/b", "ann@host/a/b"],
  ["ann@host:a/b", "ann@host/a/b"],
  ["ann@host:", "ann@host/"],
  ["ann@host:~/a b/", "ann@host/a b/"],
  ["ann@host:~", "ann@host/"],
  ["@host:a", "@host/a"],
  ["ann@10.0.0.1://a", "ann@10.0.0.1/a"],
  ["ann@[::1]:/a", "ann@[::1]/a"],
  ["[fe80::1%eth0]:a", "[fe80::1%eth0]/a"],
  ["ann@host:9999x/a", "ann@host/9999x/a"],
  ["ftpx://ann@host:/a%20b", "ftpx://ann@host/a%20b"],
  ["ftpx://host:a", "ftpx://host/a"],
  [`ann@host:/a#${FINGERPRINT}`, `ann@host/a#${FINGERPRINT}`],
])("scp's spelling %p is refused with the right one, %p", (text, right) => {
  expect(hintOf(text)).toBe(`write ${right}`);
  expect(kindOf(() => parseTarget(right))).toBe("done");
});

test.each([
  ["host:/a", "host/a"],
  ["host:a/b", "host/a/b"],
  ["files.example.org:", "files.example.org/"],
])("%p may be a bookmark or a host: for that it says %p", (text, right) => {
  expect(hintOf(text)).toBe(
    `on a server of that name it is ${right}; ftpx bookmark list shows the bookmarks`,
  );
});

test.each(["ann@host:65536", "ann@host:123456/a", "ann@h:0", "ann@", "ann@fe80::1/a", "ann@::1"])(
  "%p is not scp's spelling, and nothing is guessed",
  (text) => {
    expect(hintOf(text)).toBeUndefined();
  },
);

test.each(["host:123456", "2001:db8::1"])("of %p nothing but bookmarks is told", (text) => {
  expect(hintOf(text)).toStartWith("ftpx bookmark list shows them");
});
