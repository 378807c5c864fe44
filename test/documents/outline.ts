/**
 * ARCHITECTURE.md's tables: every source file with the first sentence of its head comment,
 * what each layer imports, and the one home of each package.
 *
 * Files of a layer stand in the order of reading: one comes after those that it uses.
 */
import fs from "node:fs";
import { columns, fenced } from "./columns.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const TRANSPILER = new Bun.Transpiler({ loader: "ts" });

/** From the bottom up; `main` is the file main.ts. */
export const LAYERS = [
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
  "cli",
  "main",
] as const;

const TYPE_IMPORT = /import type [^;]*? from "([^"]+)";/g;
const HEAD = /^\/\*\*([^]*?)\*\//;

export function treeTable(): string {
  const blocks = LAYERS.map((layer) => {
    const files = filesOf(layer).map((file) => [
      `  ${file.slice(layer.length + 1)}`,
      titleOf(file),
    ]);
    return layer === "main" ? [["main.ts", titleOf("main.ts")]] : [[`${layer}/`, ""], ...files];
  });
  return fenced(`src/\n${columns(blocks.flat())}`);
}

/** What each layer loads when it runs, and whose types it names besides. */
export function importTable(): string {
  const rows = LAYERS.map((layer) => {
    const loaded = new Set(
      filesOf(layer).flatMap((file) => neighbours(file, runtimeImports(file))),
    );
    const named = new Set(filesOf(layer).flatMap((file) => neighbours(file, typeImports(file))));
    const besides = named.difference(loaded);
    return [layer, inOrder(loaded, layer), inOrder(besides, layer)];
  });
  return fenced(columns([["layer", "uses", "and types of"], ...rows]));
}

/** Packages and the parts of Bun that are loaded by name, with the files that do. */
export function packageTable(): string {
  const homes = new Map<string, string[]>();
  for (const layer of LAYERS) {
    for (const file of filesOf(layer)) {
      for (const name of new Set(runtimeImports(file))) {
        if (name.startsWith(".") || name.startsWith("node:") || name === "bun") continue;
        homes.set(name, [...(homes.get(name) ?? []), file]);
      }
    }
  }
  const rows = [...homes].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return fenced(columns(rows.map(([name, files]) => [name, files.join(", ")])));
}

/** In the order of reading. */
function filesOf(layer: (typeof LAYERS)[number]): string[] {
  if (layer === "main") return ["main.ts"];
  const found = [...new Bun.Glob(`${layer}/**/*.ts`).scanSync(`${ROOT}src`)].toSorted();
  const ordered = new Set<string>();
  const visit = (file: string, above: readonly string[]): void => {
    if (ordered.has(file) || above.includes(file)) return;
    for (const name of runtimeImports(file)) {
      const used = resolve(file, name);
      if (found.includes(used)) visit(used, [...above, file]);
    }
    ordered.add(file);
  };
  for (const file of found) visit(file, []);
  return [...ordered];
}

/** Folders of src that no layer of ours names. */
export function strayFiles(): string[] {
  const known = new Set(LAYERS.flatMap((layer) => filesOf(layer)));
  return [...new Bun.Glob("**/*.ts").scanSync(`${ROOT}src`)].filter((file) => !known.has(file));
}

/** The first sentence of the head comment, on one line. @throws Error where there is none */
function titleOf(file: string): string {
  const head = HEAD.exec(sourceOf(file))?.[1];
  if (head === undefined) throw new Error(`src/${file} has no head comment`);
  const text = head.replaceAll(/\n \* ?/g, "\n").trim();
  const [paragraph = ""] = text.split(/\n\s*\n/);
  const [sentence = ""] = paragraph.replaceAll(/\s+/g, " ").split(/\. (?=[A-Z`])/);
  return sentence.trim().replace(/[.:]$/, "");
}

function sourceOf(file: string): string {
  return fs.readFileSync(`${ROOT}src/${file}`, "utf8");
}

function runtimeImports(file: string): string[] {
  return TRANSPILER.scanImports(sourceOf(file)).map(({ path }) => path);
}

function typeImports(file: string): string[] {
  return [...sourceOf(file).matchAll(TYPE_IMPORT)].map(([, path = ""]) => path);
}

/** Other layers behind the relative imports of a file. */
function neighbours(file: string, names: readonly string[]): string[] {
  const own = layerOf(file);
  const layers = names
    .filter((name) => name.startsWith("."))
    .map((name) => layerOf(resolve(file, name)));
  return layers.filter((layer) => layer !== own && layer !== "");
}

/** Empty for what lies outside src. */
function layerOf(file: string): string {
  if (file === "main.ts") return "main";
  return file.startsWith("..") ? "" : (file.split("/")[0] ?? "");
}

/** Relative to src, as `file` is. */
function resolve(file: string, name: string): string {
  const base = new URL(file, "file:///a/src/");
  const path = new URL(name, base).pathname;
  return path.startsWith("/a/src/") ? path.slice("/a/src/".length) : `..${path}`;
}

function inOrder(layers: ReadonlySet<string>, own: string): string {
  const ordered = LAYERS.filter((layer) => layer !== own && layers.has(layer));
  return ordered.length === 0 ? "–" : ordered.join(", ");
}
