import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { parse } from "smol-toml";
import { placeOf, scan } from "../../src/accounts/scanner.ts";

/** What the scanner found, as `kind path = value` lines. */
function outline(text: string): string[] {
  return scan(text).map(({ kind, path, valueStart, valueEnd }) => {
    return `${kind} ${path.join("|")} = ${text.slice(valueStart, valueEnd)}`;
  });
}

test.each<[string, string, string[]]>([
  ["an empty text", "", []],
  ["comments only", "# [users.ann]\n \t# a = 1\n\n#", []],
  ["a byte order mark", "\uFEFFa = 1", ["value a = 1"]],
  ["a missing last line end", "[a]\nb = 1", ["table a = [a]", "value a|b = 1"]],
  ["CRLF", "[a]\r\nb = 1\r\n# c\r\n", ["table a = [a]", "value a|b = 1"]],
  ["blanks in a header", '[ users . \t"ann" ] # x', ['table users|ann = [ users . \t"ann" ]']],
  ["an array of tables", "[[a.b]]\nc=1", ["tables a|b = [[a.b]]", "value a|b|c = 1"]],
  ["dotted keys", "a . 'b.c' .\"d\" = 1", ["value a|b.c|d = 1"]],
  ["escapes in keys", '"\\u0061\\x62\\U00000063\\t\\"" = 1', ['value abc\t" = 1']],
  ["a comment behind a value", "a = 1 # b", ["value a = 1"]],
  ["a date with a blank", "a = 1979-05-27 07:32:00 # b", ["value a = 1979-05-27 07:32:00"]],
  ["a hash in a string", 'a = "# \\" # " # b', ['value a = "# \\" # "']],
  ["a backslash in a literal string", "a = 'b\\' # c", ["value a = 'b\\'"]],
  ["an empty string", 'a = "" # b', ['value a = ""']],
  ["a multi-line string", 'a = """\n[b]\n# c\n""" # d', ['value a = """\n[b]\n# c\n"""']],
  ["quotes in a multi-line string", 'a = """b"" """""\n', ['value a = """b"" """""']],
  ["an escaped quote in one", 'a = """b\\"""" # c', ['value a = """b\\""""']],
  ["a multi-line literal", "a = '''\n\\''''' # b", ["value a = '''\n\\'''''"]],
  ["a list over lines", "a = [ # [b]\n  1, ']',\n] # c", ["value a = [ # [b]\n  1, ']',\n]"]],
  ["an inline table", "a = { b = [1, {c = '}'}] } # d", ["value a = { b = [1, {c = '}'}] }"]],
])("scan finds its way in %s", (_case, text, statements) => {
  expect(outline(text)).toEqual(statements);
});

test.each([
  ["a header that does not end", "[a\nb = 1"],
  ["a key without a value", "a =\nb = 1"],
  ["a key alone", "a"],
  ["a string that does not end", 'a = "b'],
  ["a list that does not end", "a = [1,\n"],
  ["a bracket too many", "a = 1]\n"],
  ["a lone carriage return", "a = 1\rb = 2"],
])("scan gives up with a line number on %s", (_case, text) => {
  expect(() => scan(text)).toThrow(expect.objectContaining({ kind: "BAD_CONFIG" }));
});

test("scan goes over a long string without a deep stack", () => {
  const long = `a = "${"\\n".repeat(1_000_000)}"\nb = """${'x"\n'.repeat(1_000_000)}"""\n`;

  expect(scan(long).map(({ path }) => path)).toEqual([["a"], ["b"]]);
});

test.each([
  [0, 1, 1],
  [1, 1, 2],
  [2, 1, 3],
  [3, 2, 1],
  [5, 3, 1],
])("placeOf finds index %p at line %p, column %p", (index, line, column) => {
  expect(placeOf("ab\nc\nd", index)).toEqual({ line, column });
});

const KEYS = fc.constantFrom("a", "'b.c'", '"d\\u0065"', "-_9", '"]"', "'#'", '" = "');
const VALUES = fc.constantFrom(
  "1",
  "true",
  '"x # y"',
  "'[a]'",
  '"""\n[a]\n"" \\" # x = 1\n"""',
  "'''\n''\n[b]\\'''",
  "[1, 2]",
  "[ # ]\n  '[',\n\n  [1], # x\n]",
  "{ a = 1, b = '}' }",
  "1979-05-27 07:32:00",
  '""',
);
const BLANKS = fc.constantFrom("", " ", "\t", "  ");
const LINE_ENDS = fc.constantFrom("\n", "\r\n", ' # [x] = "\n', "\n\n", "\n  # a = '''\n");
const KEY_PATHS = fc
  .array(fc.tuple(BLANKS, KEYS, BLANKS), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.map((part) => part.join("")).join("."));
const HEADERS = fc.tuple(BLANKS, KEY_PATHS, LINE_ENDS).map(([a, b, c]) => `${a}[${b}]${c}`);
const ASSIGNMENTS = fc
  .tuple(BLANKS, KEY_PATHS, BLANKS, VALUES, LINE_ENDS)
  .map(([a, b, c, d, e]) => `${a}${b}=${c}${d}${e}`);
const DOCUMENTS = fc
  .array(fc.oneof(HEADERS, ASSIGNMENTS), { maxLength: 6 })
  .map((lines) => lines.join(""));

test("I2: scan finds the paths that the parser finds, in any text the parser accepts", () => {
  let acceptedCount = 0;
  fc.assert(
    fc.property(DOCUMENTS, (text) => {
      const root = parsed(text);
      if (root === undefined) return;
      acceptedCount += 1;
      for (const { kind, path, valueStart, valueEnd } of scan(text)) {
        const found = path.reduce((value: unknown, name) => Object(value)[name], root);
        expect(found).toBeDefined();
        if (kind === "value") {
          expect(parse(`x = ${text.slice(valueStart, valueEnd)}`)["x"]).toEqual(found as never);
        }
      }
      expect(scan(text).filter(({ kind }) => kind === "value").length).toBe(leavesOf(root));
    }),
    { numRuns: 3000 },
  );
  expect(acceptedCount).toBeGreaterThan(500);
});

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

/** Values in all tables; those of inline tables count as one, which VALUES marks by `b = '}'`. */
function leavesOf(value: unknown): number {
  const isTable = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isTable || value instanceof Date || Object(value).b === "}") return 1;
  return Object.values(value).reduce((sum: number, inner) => sum + leavesOf(inner), 0);
}
