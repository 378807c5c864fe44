/**
 * House rules that no tool checks: who may import whom, one home for each package, words
 * that have one place, nothing left lying about.
 */
import { expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { ENTRIES as COMPILED } from "../packaging/build.ts";
import * as limits from "../src/base/limits.ts";

const SOURCE_DIR = new URL("../src", import.meta.url).pathname;

/** Who may import whom at run time; types may come from anywhere. */
const LAYERS: Record<string, readonly string[]> = {
  base: [],
  wire: ["base"],
  transfer: ["base"],
  store: ["base"],
  state: ["base"],
  accounts: ["base"],
  vfs: ["base", "store", "state", "accounts", "transfer"],
  sessions: ["base", "state", "accounts", "vfs"],
  commands: ["base", "wire", "transfer"],
  doors: ["base", "wire", "sessions", "commands"],
  client: ["base", "wire", "transfer", "commands"],
  cli: [
    "base",
    "wire",
    "transfer",
    "store",
    "state",
    "accounts",
    "vfs",
    "sessions",
    "commands",
    "doors",
    "client",
  ],
  // The thread pool is widened before anything touches a file.
  main: ["base", "store", "cli"],
};

/** The one file that imports a package, or a module of Bun that ties us to it. */
const HOMES: Record<string, string> = {
  "hash-wasm": "base/digest.ts",
  "smol-toml": "accounts/parsing.ts",
  "@clack/prompts": "cli/questions.ts",
  picocolors: "cli/terminal.ts",
  commander: "cli/args.ts",
  "bcrypt-pbkdf": "client/keyfile.ts",
  "@peculiar/x509": "doors/identity.ts",
  "reflect-metadata": "doors/identity.ts",
  "bun:sqlite": "state/database.ts",
  "bun:ffi": "store/kernel.ts",
};

/** Started as programs of their own: by a person, or as threads. */
const ENTRIES = ["main.ts", "state/worker.ts", "store/hasher.ts"];

const BANNED_NAMES = /^(?:utils?|common|types|index|manager|handlers?|service|helpers?)\.ts$/;

interface SourceFile {
  /** Below src, with slashes. */
  readonly path: string;
  readonly text: string;
  /** Without comments. */
  readonly code: string;
  /** What it loads at run time, as it is written. */
  readonly loads: readonly string[];
  /** Every file of ours that it names in an import, for types too. */
  readonly names: readonly string[];
}

const transpiler = new Bun.Transpiler({ loader: "ts" });

const FILES: readonly SourceFile[] = fs
  .readdirSync(SOURCE_DIR, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .toSorted()
  .map(readSource);

function readSource(path: string): SourceFile {
  const text = fs.readFileSync(join(SOURCE_DIR, path), "utf8");
  const named = [...text.matchAll(/from "(\.[^"]+)"/g)].map(([, target = ""]) => target);
  return {
    path,
    text,
    code: text.replaceAll(/\/\*[^]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "$1"),
    loads: transpiler.scanImports(text).map((found) => found.path),
    names: named.map((target) => resolved(path, target)),
  };
}

/** A relative import as a path below src. */
function resolved(from: string, target: string): string {
  return new URL(target, `file:///${from}`).pathname.slice(1);
}

function layerOf(path: string): string {
  return path.split("/")[0]?.replace(/\.ts$/, "") ?? "";
}

/** Places outside of `allowed` where code matches, as `path: match`. */
function findWord(word: RegExp, allowed: (path: string) => boolean = () => false): string[] {
  const files = FILES.filter(({ path }) => !allowed(path));
  return files.flatMap(({ path, code }) =>
    [...code.matchAll(word)].map(([match]) => `${path}: ${match}`),
  );
}

test("every source file lies in a layer that the table names, and every layer has files", () => {
  const layers = new Set(FILES.map(({ path }) => layerOf(path)));

  expect([...layers].toSorted()).toEqual(Object.keys(LAYERS).toSorted());
});

test("files load only what their layer may use", () => {
  const breaches = FILES.flatMap(({ path, loads }) => {
    const layer = layerOf(path);
    const foreign = loads
      .filter((target) => target.startsWith("."))
      .map((target) => resolved(path, target))
      .filter((target) => target.endsWith(".ts") && layerOf(target) !== layer);
    return foreign
      .filter((target) => LAYERS[layer]?.includes(layerOf(target)) !== true)
      .map((target) => `${path} loads ${target}`);
  });

  expect(breaches).toEqual([]);
});

test("no layer may use one that may use it", () => {
  const reach = (layer: string): string[] =>
    (LAYERS[layer] ?? []).flatMap((lower) => [lower, ...reach(lower)]);
  const circular = Object.keys(LAYERS).filter((layer) => reach(layer).includes(layer));

  expect(circular).toEqual([]);
});

test.each(Object.entries(HOMES))("package %s is loaded by %s and by nothing else", (name, home) => {
  const loading = FILES.filter(({ loads }) => loads.includes(name)).map(({ path }) => path);

  expect(loading).toEqual([home]);
});

test("every package that is loaded has a home in the table, and is a dependency", () => {
  const manifest = new URL("../package.json", import.meta.url);
  const { dependencies } = JSON.parse(fs.readFileSync(manifest, "utf8")) as {
    dependencies: Record<string, string>;
  };
  const loaded = FILES.flatMap(({ loads }) => loads).filter(
    (name) => !name.startsWith(".") && !name.startsWith("node:") && name !== "bun",
  );

  expect([...new Set(loaded)].toSorted()).toEqual(Object.keys(HOMES).toSorted());
  expect(Object.keys(dependencies).toSorted()).toEqual(
    Object.keys(HOMES)
      .filter((name) => !name.startsWith("bun:"))
      .toSorted(),
  );
});

test("doors do not reach the files past the table of commands", () => {
  const past = findWord(/\.vfs\b/g, (path) => ["commands", "sessions"].includes(layerOf(path)));

  expect(past).toEqual([]);
});

test("R2: only the modules of sockets end one, and nobody ends one with data", () => {
  const sockets = ["wire/link.ts", "doors/native.ts"];

  expect(findWord(/\.end\(\)/g, (path) => sockets.includes(path))).toEqual([]);
  expect(findWord(/\bsocket\w*(?:[?!]?\.\w+)*\.end\([^)]/gi)).toEqual([]);
});

test("R7: no handler of a socket is asynchronous, because nobody would hear it fail", () => {
  const handler =
    /async (?:open|data|drain|end|close|error|handshake|connectError)\b|\b(?:open|data|drain|end|close|error|handshake|connectError): async\b/g;
  const opening = FILES.filter(({ code }) => /Bun\.(?:listen|connect)\b/.test(code));

  expect(opening.map(({ path }) => path)).toEqual(["client/connect.ts", "doors/native.ts"]);
  expect(findWord(handler, (path) => !opening.some((file) => file.path === path))).toEqual([]);
});

test("R21: transactions are begun and ended by hand, none by a function that may wait", () => {
  expect(findWord(/\.transaction\(/g)).toEqual([]);
});

test("I6, D5: nothing from outside becomes code, a structure of V8 or a pattern", () => {
  expect(findWord(/\beval\(|\bnew Function\(|\bv8\b|\bdeserialize\(|\bnew RegExp\(/g)).toEqual([]);
});

test("R16: files are read and written at positions by base/openfile.ts alone", () => {
  const calls = /\b(?:readSync|writeSync|fs\.(?:read|write|readv|writev|ftruncate))\(/g;
  // The hasher is a thread of its own, so it may wait for the disk.
  const readers = ["base/openfile.ts", "store/hasher.ts"];

  expect(findWord(calls, (path) => readers.includes(path) || path.startsWith("cli/"))).toEqual([]);
});

test("nothing is left to do", () => {
  const left = FILES.filter(({ text }) => /\b(?:TODO|FIXME|XXX|HACK)\b/.test(text));

  expect(left.map(({ path }) => path)).toEqual([]);
});

test("every source file is used by another, or is where a program begins", () => {
  const used = new Set([...FILES.flatMap(({ names }) => names), ...ENTRIES]);

  expect(FILES.map(({ path }) => path).filter((path) => !used.has(path))).toEqual([]);
});

test("every worker that is started is an entry point of the build", () => {
  expect(COMPILED.map((path) => path.replace(/^src\//, ""))).toEqual(ENTRIES);
});

test("every exported value is used in another file", () => {
  const exported = FILES.flatMap(({ path, code }) =>
    [...code.matchAll(/^export (?:async )?(?:const|function|class) (\w+)/gm)].map(
      ([, name = ""]) => ({ path, name }),
    ),
  );
  const texts = [...FILES.map(({ path, code }) => ({ path, code })), ...testTexts()];
  const unused = exported.filter(
    ({ path, name }) =>
      !texts.some((file) => file.path !== path && new RegExp(`\\b${name}\\b`).test(file.code)),
  );

  expect(unused.map(({ path, name }) => `${path}: ${name}`)).toEqual([]);
});

/** Tests and benchmarks use some of what is exported for them. */
function testTexts(): { path: string; code: string }[] {
  return ["test", "bench"].flatMap((folder) => {
    const dir = new URL(`../${folder}`, import.meta.url).pathname;
    return fs
      .readdirSync(dir, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts"))
      .map((path) => ({
        path: join(folder, path),
        code: fs.readFileSync(join(dir, path), "utf8"),
      }));
  });
}

test("every limit is used, if only in a relation to others", () => {
  const code = FILES.map((file) => file.code).join("\n");
  const isOnce = (name: string) => code.match(new RegExp(`\\b${name}\\b`, "g"))?.length === 1;
  const unused = Object.keys(limits).filter(isOnce);

  expect(unused).toEqual([]);
});

test("a file's name is one lower-case word that occurs once in the tree", () => {
  const names = FILES.map(({ path }) => path.split("/").at(-1) ?? "");
  const doubles = names.filter((name, index) => names.indexOf(name) !== index);

  expect(names.filter((name) => !/^[a-z]+[0-9]*\.ts$/.test(name))).toEqual([]);
  expect(names.filter((name) => BANNED_NAMES.test(name))).toEqual([]);
  expect(doubles).toEqual([]);
});

test("every file begins by saying what it is", () => {
  const silent = FILES.filter(({ text }) => !text.startsWith("/**"));

  expect(silent.map(({ path }) => path)).toEqual([]);
});
