import { expect, test } from "bun:test";
import { PassThrough } from "node:stream";
import { DealtInput, piecesOf } from "../../src/cli/dealing.ts";

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test.each([
  ["", []],
  ["abc", ["abc"]],
  ["ls ph\t20\t\rpw", ["ls ph\t", "20\t", "\r", "pw"]],
  ["a\r\nb\nc\r", ["a\r\n", "b\n", "c\r"]],
  ["\u001b[Aé\t", ["\u001b[Aé\t"]],
])("%j is dealt as %j", (typed, pieces) => {
  expect(piecesOf(Buffer.from(typed)).map(textOf)).toEqual(pieces);
});

/** An input and what it has dealt. */
function dealtFrom(ahead = "") {
  const terminal = new PassThrough();
  const input = new DealtInput(terminal as unknown as NodeJS.ReadStream, Buffer.from(ahead));
  const dealt: string[] = [];
  let hear: ((piece: string) => void) | undefined;
  const onPiece = (heard: (piece: string) => void) => (hear = heard);
  input.on("data", (bytes: Uint8Array) => {
    dealt.push(textOf(bytes));
    hear?.(textOf(bytes));
  });
  return { terminal, input, dealt, onPiece };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("nothing is dealt while somebody holds, and all of it in its order behind that", async () => {
  const { terminal, input, dealt, onPiece } = dealtFrom("a\tb");
  const holds: (() => void)[] = [];
  onPiece((piece) => void (piece.endsWith("\t") && holds.push(input.hold())));
  input.begin();
  terminal.write("c\td");
  await turn();
  expect(dealt).toEqual(["a\t"]);
  holds[0]?.();
  holds[0]?.();
  await turn();
  expect(dealt).toEqual(["a\t", "b", "c\t"]);
  holds[1]?.();
  await turn();
  expect(dealt.join("")).toBe("a\tbc\td");
});

test("the end comes behind all that was typed before it, also where it had come before", async () => {
  const { terminal, input, dealt, onPiece } = dealtFrom();
  let release: (() => void) | undefined;
  onPiece((piece) => void (piece === "a\t" && (release = input.hold())));
  const ended = new Promise((resolve) => input.once("end", resolve));
  input.begin();
  terminal.end("a\tb\tc");
  await turn();
  await turn();
  release?.();
  await ended;
  expect(dealt.join("")).toBe("a\tb\tc");
  const late = new DealtInput(terminal as unknown as NodeJS.ReadStream, new Uint8Array());
  late.begin();
  await new Promise((resolve) => late.once("end", resolve));
});

test("what is given up in the middle is handed on, and nothing more is heard", async () => {
  const { terminal, input, dealt, onPiece } = dealtFrom();
  let rest = "";
  onPiece((piece) => void (piece === "pwd\n" && (rest = textOf(input.giveUp()))));
  input.begin();
  terminal.write("pwd\nls\tx\n");
  await turn();
  terminal.write("y");
  await turn();

  expect(dealt).toEqual(["pwd\n"]);
  expect(rest).toBe("ls\tx\n");
});
