import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { parse } from "smol-toml";
import { changeList } from "../../src/accounts/list.ts";

const LIST = `[ # two
  "a", # the laptop
  # since March
  'b', # the phone
]`;

const quote = (text: string) => JSON.stringify(text);
const change = (wanted: readonly string[], list = LIST) => changeList(list, wanted, quote);

test("a new element goes below the last one, and every comment stays", () => {
  expect(change(["a", "b", "c", "d"])).toBe(LIST.replace("phone\n", 'phone\n  "c",\n  "d",\n'));
});

test("a removed element takes its line along, and nothing else", () => {
  expect(change(["b"])).toBe(LIST.replace('  "a", # the laptop\n', ""));
  expect(change(["a"])).toBe(LIST.replace("  'b', # the phone\n", ""));
  expect(change(["b", "c"])).toBe(
    LIST.replace('  "a", # the laptop\n', "").replace("phone\n", 'phone\n  "c",\n'),
  );
});

test("a missing comma behind the last element is put there, before its comment", () => {
  expect(change(["a", "c"], '[\n\t"a" # x\n]')).toBe('[\n\t"a", # x\n\t"c",\n]');
  expect(change(["a"], '[\n\t"a", # x\n\t"b" # y\n]')).toBe('[\n\t"a", # x\n]');
});

test("CRLF stays", () => {
  expect(change(["a", "c"], '[\r\n  "a", # x\r\n]')).toBe('[\r\n  "a", # x\r\n  "c",\r\n]');
});

test("elements on one line are taken out of it", () => {
  expect(change(["b"], '[ # x\n  "a", "b",\n]')).toBe('[ # x\n  "b",\n]');
  expect(change(["a"], '[ # x\n  "a", "b", # y\n]')).toBe('[ # x\n  "a", # y\n]');
});

test.each([
  ["no comment", ["a", "b"], '[\n  "a",\n]'],
  ["nothing wanted", [], LIST],
  ["another order", ["b", "a"], LIST],
  ["an empty list", ["a"], "[ # none\n]"],
  ["texts over several lines", ["a", "b"], '[ # x\n  """a""",\n]'],
  ["commas in front", ["b"], '[ # x\n  "a"\n  , "b"\n]'],
  ["a comma behind a comment", ["b"], '[\n  "a" # x\n  ,\n  "b",\n]'],
  ["a bracket behind the last element", ["a", "b"], '[ # x\n  "a"]'],
  ["numbers", ["a"], "[ # x\n  1,\n]"],
])("%s is left to the caller", (_case, wanted, list) => {
  expect(change(wanted, list)).toBeUndefined();
});

test("I2: quotes, brackets and signs of comments within texts are only text", () => {
  const list = '[ # x\n  "a] # \\" \\u0022\\n", # y\n  \'" # [,\',\n]';
  const [first, second] = ['a] # " "\n', '" # [,'] as const;

  expect(change([second], list)).toBe("[ # x\n  '\" # [,',\n]");
  expect(change([first, second, "'\"]"], list)).toBe(
    list.replace("[,',\n", '[,\',\n  "\'\\"]",\n'),
  );
});

const TEXT = fc.string({
  unit: fc.constantFrom("a", '"', "'", "#", "[", "]", ",", "\\", " ", "é"),
});
const ELEMENT = fc.record({
  text: TEXT,
  comment: fc.option(
    TEXT.map((text) => ` # ${text}`),
    { nil: "" },
  ),
  above: fc.option(
    TEXT.map((text) => `  # ${text}\n`),
    { nil: "" },
  ),
  indentation: fc.constantFrom("", "  ", "\t"),
});

test("I2: what comes out is what was wanted, and holds every comment of what stays", () => {
  const cases = fc.record({
    elements: fc.uniqueArray(ELEMENT, { minLength: 1, maxLength: 5, selector: ({ text }) => text }),
    stays: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    added: fc.uniqueArray(TEXT, { maxLength: 3 }),
  });
  fc.assert(
    fc.property(cases, ({ elements, stays, added }) => {
      const lines = elements.map(
        ({ text, comment, above, indentation }) =>
          `${above}${indentation}${quote(text)},${comment}\n`,
      );
      const kept = elements.filter((_element, index) => stays[index] === true);
      const fresh = added.filter((text) => !elements.some((element) => element.text === text));
      const wanted = [...kept.map(({ text }) => text), ...fresh];
      const changed = change(wanted, `[ # head\n${lines.join("")}]`);
      if (changed === undefined) {
        expect(wanted).toEqual([]);
        return;
      }
      expect(parse(`x = ${changed}\n`)).toEqual({ x: wanted });
      for (const { comment, above } of kept) {
        expect(changed).toContain(comment);
        expect(changed).toContain(above);
      }
    }),
  );
});
