import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { parse } from "smol-toml";
import type { Changes } from "../../src/accounts/edit.ts";
import { addAccount, locate, removeAccount, setAccount } from "../../src/accounts/edit.ts";
import type { ErrorKind } from "../../src/base/errors.ts";

const HEAD = "# head\n\n";
const ANN = `[users.ann] # the first
# about the quota
quota    = "10 GiB" # plenty
keys = [ # two
  "k1", # one
  'k2',
]
`;
const BETWEEN = "\n# about bob\n";
const BOB = `[users . "bob"]
  files = 5
  note = """
[users.ann]
# not a comment
"""
`;
const FOOT = '\n# about a.b\n[users."a.b"]\n';
const TEXT = HEAD + ANN + BETWEEN + BOB + FOOT;

function refusal(kind: ErrorKind): unknown {
  return expect.objectContaining({ kind });
}

test("setAccount replaces a value and keeps the comment behind it", () => {
  expect(setAccount(TEXT, "ann", { quota: "20 GiB" })).toBe(
    TEXT.replace('"10 GiB" # plenty', '"20 GiB" # plenty'),
  );
});

test("setAccount replaces a list over several lines", () => {
  expect(setAccount(TEXT, "ann", { keys: [] })).toBe(
    TEXT.replace(/keys = \[[^\]]*\]/, "keys = []"),
  );
});

test("setAccount writes several keys below each other, and one on its line", () => {
  const two = setAccount(TEXT, "a.b", { keys: ["x", 'y "z"'] });
  const one = setAccount(TEXT, "a.b", { keys: ["x"] });

  expect(two).toBe(`${TEXT}keys     = [\n  "x",\n  "y \\"z\\"",\n]\n`);
  expect(one).toBe(`${TEXT}keys     = ["x"]\n`);
});

test("setAccount puts a new key behind the last one, indented like it", () => {
  expect(setAccount(TEXT, "bob", { disabled: true })).toBe(
    TEXT.replace('comment\n"""\n', 'comment\n"""\n  disabled = true\n'),
  );
});

test("setAccount puts the first key behind the header", () => {
  expect(setAccount(TEXT, "a.b", { access: "read-only" })).toBe(`${TEXT}access   = "read-only"\n`);
});

test("setAccount removes the line of a key, and only that", () => {
  expect(setAccount(TEXT, "ann", { quota: undefined, files: undefined })).toBe(
    TEXT.replace('quota    = "10 GiB" # plenty\n', ""),
  );
});

test("setAccount changes several keys at once", () => {
  expect(setAccount(TEXT, "ann", { quota: undefined, files: 7, disabled: false })).toBe(
    TEXT.replace('quota    = "10 GiB" # plenty\n', "").replace(
      "'k2',\n]\n",
      "'k2',\n]\nfiles    = 7\ndisabled = false\n",
    ),
  );
});

test("setAccount keeps CRLF and a missing last line end", () => {
  const crlf = "[users.ann]\r\nfiles = 1";

  expect(setAccount(crlf, "ann", { files: 2 })).toBe("[users.ann]\r\nfiles = 2");
  expect(setAccount(crlf, "ann", { quota: "1 GiB" })).toBe(
    '[users.ann]\r\nfiles = 1\r\nquota    = "1 GiB"',
  );
  expect(setAccount(crlf, "ann", { keys: ["a", "b"] })).toBe(
    '[users.ann]\r\nfiles = 1\r\nkeys     = [\r\n  "a",\r\n  "b",\r\n]',
  );
});

test("an edit keeps a byte order mark where it is", () => {
  expect(setAccount("\uFEFF[users.ann]\n", "ann", { files: 1 })).toBe(
    "\uFEFF[users.ann]\nfiles    = 1\n",
  );
  expect(removeAccount("\uFEFF[users.ann]\n", "ann")).toBe("\uFEFF");
});

test.each([
  ["an empty text", "", ""],
  ["a text with a line", "# head\n", "\n"],
  ["a text with a blank line at its end", "# head\n\n", ""],
  ["a text without a last line end", "# head", "\n\n"],
])("addAccount appends to %s with one blank line between", (_case, text, gap) => {
  expect(addAccount(text, "ann", { quota: "1 GiB", files: 5, disabled: false })).toBe(
    `${text}${gap}[users.ann]\nquota    = "1 GiB"\nfiles    = 5\ndisabled = false\n`,
  );
});

test("addAccount follows the line ends of the text", () => {
  expect(addAccount("# head\r\n", "ann", {})).toBe("# head\r\n\r\n[users.ann]\r\n");
});

test("I2: addAccount quotes a name with a dot, and no table of the first part appears", () => {
  const text = addAccount("", "a.b", { files: 1 });

  expect(text).toBe('[users."a.b"]\nfiles    = 1\n');
  expect(Object.keys(Object(parse(text)["users"]))).toEqual(["a.b"]);
});

test.each([
  "",
  'a"]\n[users.root]\nadmin=true',
  "__proto__",
  "toString",
  "x".repeat(10_000),
  "a\0b",
  "a\ud800",
  "A",
])("I2: addAccount refuses the name %p", (name) => {
  expect(() => addAccount(TEXT, name, {})).toThrow(refusal("USAGE"));
});

test("addAccount refuses a name that is there in whatever form", () => {
  const forms = [
    TEXT,
    "users.ann.files = 1",
    "users.ann = {}",
    "[users]\nann = {}",
    "[users]\nann.files = 1",
    "[users.ann.x]",
    "[\"users\".'ann']",
    '[users."\\u0061nn"]',
  ];
  for (const text of forms) {
    expect(() => addAccount(text, "ann", {})).toThrow(refusal("ACCOUNT_EXISTS"));
  }
});

test("removeAccount takes the table, and leaves the comment above the next header", () => {
  expect(removeAccount(TEXT, "ann")).toBe(TEXT.replace(/\[users\.ann\] # the[^]*?\n\]\n\n/, ""));
  expect(removeAccount(TEXT, "bob")).toBe(TEXT.replace(/\[users \. "bob"\][^]*?"""\n\n/, ""));
});

test.each([
  ["nothing below", "", ""],
  ["blank lines", "\n\n", ""],
  ["a comment at once", "# x\n", ""],
  ["a comment apart", "\n# x\n# y\n\n", "# x\n# y\n\n"],
  ["a comment apart without a line end", "# w\n\n# x", "# x"],
])("removeAccount at the end of the text, with %s, keeps what is apart", (_case, below, kept) => {
  const text = "# head\n\n[users.ann]\nfiles = 1\n";

  expect(removeAccount(text + below, "ann")).toBe(`# head\n\n${kept}`);
});

test("removeAccount and setAccount say so when there is no such account", () => {
  for (const user of ["carl", "constructor", "__proto__", "an", "not a comment"]) {
    expect(() => removeAccount(TEXT, user)).toThrow(refusal("NO_SUCH_ACCOUNT"));
    expect(() => setAccount(TEXT, user, {})).toThrow(refusal("NO_SUCH_ACCOUNT"));
  }
});

test.each([
  ["an inline table", "[users]\nann = { files = 1 }"],
  ["an inline table with dots", "users.ann = { files = 1 }"],
  ["dotted keys", "[users]\nann.files = 1"],
  ["dotted keys at the top", "users.ann.files = 1"],
  ["all accounts inline", "users = { ann = {} }"],
  ["an array of tables", "[[users.ann]]"],
  ["a sub-table", "[users.ann]\n[users.ann.more]"],
  ["a sub-table in front", "[users.ann.more]\n[users.ann]"],
  ["a dotted key inside", "[users.ann]\nquota.x = 1"],
  ["parts in two places", "[users.ann]\n[x]\n[users]\nann.y = 1"],
])("an account written as %s is refused and named", (_case, text) => {
  const byHand = { kind: "BAD_CONFIG", details: { reason: expect.stringMatching(/ann.*by hand/) } };

  expect(() => setAccount(text, "ann", { files: 2 })).toThrow(expect.objectContaining(byHand));
  expect(() => removeAccount(text, "ann")).toThrow(expect.objectContaining(byHand));
});

test("addAccount is refused where `users` is closed to further tables", () => {
  expect(() => addAccount("users = {}", "ann", {})).toThrow(refusal("BAD_CONFIG"));
});

test("a lone surrogate is refused, because no file can hold it", () => {
  expect(() => setAccount(TEXT, "ann", { keys: ["\ud800"] })).toThrow(refusal("BAD_CONFIG"));
});

test.each([
  [["users", "ann"], 3, 1],
  [["users", "ann", "quota"], 5, 1],
  [["users", "ann", "missing"], 3, 1],
  [["users", "bob", "files"], 13, 3],
  [["users", "a.b"], 20, 1],
  [["users", "carl"], 1, 1],
  [["other"], 1, 1],
])("locate finds %p at line %p, column %p", (path, line, column) => {
  expect(locate(TEXT, path)).toEqual({ line, column });
});

test("locate finds accounts in every form", () => {
  expect(locate("a = 1\nusers.ann.files = 1", ["users", "ann", "files"]).line).toBe(2);
  expect(locate("[users]\nann = { files = 1 }", ["users", "ann", "files"]).line).toBe(2);
  expect(locate("[users]\nb = 1\nann.files = 1", ["users", "ann"]).line).toBe(3);
});

/** Any text that can be in a file, with what breaks careless writers more often than not. */
const ANY_TEXT = fc
  .array(
    fc.oneof(
      fc.string({ unit: "binary", maxLength: 6 }),
      fc.constantFrom(
        '"',
        '"""',
        "'''",
        "\\",
        "\n",
        "\r\n",
        "]",
        "[users.root]",
        "#",
        "=",
        "\u2028",
      ),
    ),
    { maxLength: 5 },
  )
  .map((parts) => parts.join(""));
const NAMES = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,5}$/);
const CHANGES: fc.Arbitrary<Changes> = fc.record(
  {
    password: fc.option(ANY_TEXT, { nil: undefined }),
    keys: fc.option(fc.array(ANY_TEXT, { maxLength: 3 }), { nil: undefined }),
    quota: fc.option(ANY_TEXT, { nil: undefined }),
    files: fc.option(fc.maxSafeNat(), { nil: undefined }),
    disabled: fc.option(fc.boolean(), { nil: undefined }),
  },
  { requiredKeys: [] },
);

function usersOf(text: string): Map<string, unknown> {
  return new Map(Object.entries(Object(parse(text)["users"])));
}

function defined(changes: Changes): Record<string, unknown> {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
}

test("I2: any text in any field is read back as it was, and other users stay as they are", () => {
  const others = usersOf(TEXT);
  fc.assert(
    fc.property(NAMES, CHANGES, CHANGES, (name, fields, changes) => {
      fc.pre(!others.has(name));
      const added = addAccount(TEXT, name, fields);
      const changed = setAccount(added, name, changes);
      const removed = removeAccount(changed, name);

      expect(added.startsWith(TEXT)).toBe(true);
      expect(usersOf(added)).toEqual(new Map([...others, [name, defined(fields)]]));
      const merged = defined({ ...fields, ...changes });
      expect(usersOf(changed)).toEqual(new Map([...others, [name, merged]]));
      expect(removed).toBe(`${TEXT}\n`);
    }),
    { numRuns: 1000 },
  );
});

test("I2: an edit of one account leaves every byte outside its table as it is", () => {
  const places = fc.constantFrom(
    ["ann", HEAD, BETWEEN + BOB + FOOT] as const,
    ["bob", HEAD + ANN + BETWEEN, FOOT] as const,
    ["a.b", HEAD + ANN + BETWEEN + BOB + FOOT, ""] as const,
  );
  fc.assert(
    fc.property(places, CHANGES, fc.boolean(), ([name, above, below], changes, isCrlf) => {
      const ended = (text: string) => (isCrlf ? text.replaceAll("\n", "\r\n") : text);
      const changed = setAccount(ended(TEXT), name, changes);

      expect(changed.startsWith(ended(above))).toBe(true);
      expect(changed.endsWith(ended(below))).toBe(true);
      expect(changed).toContain("# about the quota");
    }),
    { numRuns: 500 },
  );
});

test("setAccount keeps the comments in a list of keys that gets longer or shorter", () => {
  expect(setAccount(TEXT, "ann", { keys: ["k1", "k2", "k3"] })).toBe(
    TEXT.replace("'k2',\n", "'k2',\n  \"k3\",\n"),
  );
  expect(setAccount(TEXT, "ann", { keys: ["k2"] })).toBe(TEXT.replace('  "k1", # one\n', ""));
});
