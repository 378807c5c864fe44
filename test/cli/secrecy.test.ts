import { expect, test } from "bun:test";
import { HiddenLine } from "../../src/cli/secrecy.ts";

/** What a line holds when it ends, how it ended, and what is left over. */
function typed(...pieces: string[]): { text: string; ending?: string; rest?: string } {
  const line = new HiddenLine();
  for (const piece of pieces) {
    const ended = line.take(piece);
    if (ended !== undefined) return { text: line.text, ...ended };
  }
  return { text: line.text };
}

test.each([
  ["Enter ends", ["abc\r"], { text: "abc", ending: "line", rest: "" }],
  ["a line end that was pasted", ["abc\n"], { text: "abc", ending: "line", rest: "" }],
  ["one character after the other", ["a", "b", "\r"], { text: "ab", ending: "line", rest: "" }],
  ["what comes behind is left", ["pw\rls\r"], { text: "pw", ending: "line", rest: "ls\r" }],
  ["an empty line", ["\r"], { text: "", ending: "line", rest: "" }],
  ["nothing has ended", ["abc"], { text: "abc" }],
  ["backspace takes one back", ["ab\u007fc\b\r"], { text: "a", ending: "line", rest: "" }],
  ["backspace at the beginning", ["\u007f\u007fa\r"], { text: "a", ending: "line", rest: "" }],
  ["backspace takes a whole character", ["a😀\u007f\r"], { text: "a", ending: "line", rest: "" }],
  ["Ctrl-U takes all back", ["abc\u0015d\r"], { text: "d", ending: "line", rest: "" }],
  ["Ctrl-W takes all back", ["a b\u0017d\r"], { text: "d", ending: "line", rest: "" }],
  ["Ctrl-C gives up", ["ab\u0003c"], { text: "ab", ending: "given up", rest: "c" }],
  ["Ctrl-D on an empty line leaves", ["\u0004"], { text: "", ending: "left", rest: "" }],
  ["Ctrl-D behind something does nothing", ["a\u0004\r"], { text: "a", ending: "line", rest: "" }],
  [
    "other control characters are left out",
    ["a\tb\u0000\u001ac\u0085\r"],
    { text: "abc", ending: "line", rest: "" },
  ],
  [
    "arrows are left out",
    ["a\u001b[Ab\u001bOBc\u001b[1;5Cd\r"],
    { text: "abcd", ending: "line", rest: "" },
  ],
  ["an arrow in two pieces", ["a\u001b[", "Db\r"], { text: "ab", ending: "line", rest: "" }],
  [
    "marks of a paste are left out",
    ["\u001b[200~pw\u001b[201~\r"],
    { text: "pw", ending: "line", rest: "" },
  ],
  ["Alt and a letter", ["a\u001bxb\r"], { text: "ab", ending: "line", rest: "" }],
  ["Escape, then Enter", ["a\u001b", "\r"], { text: "a", ending: "line", rest: "" }],
  ["Escape, then Ctrl-C", ["a\u001b", "\u0003"], { text: "a", ending: "given up", rest: "" }],
  ["Escape twice", ["a\u001b\u001bb\r"], { text: "ab", ending: "line", rest: "" }],
])("%s", (_case, pieces, expected) => {
  expect(typed(...pieces)).toEqual(expected);
});

test("what was forgotten is gone", () => {
  const line = new HiddenLine();
  line.take("secret");
  line.forget();

  expect(line.text).toBe("");
});
