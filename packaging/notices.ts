/**
 * The licences of everything that an executable holds, in one file beside the executables:
 * most of them ask to go with each copy.
 *
 * What is in an executable is read from its source map, not from a list: a package that is
 * installed and not used has no notice, and one that is used and has none is a failure.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const LICENCE_FILE = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;

/** The runtime's packages have no licence text in them, so what its makers say stands here. */
const RUNTIME = `Bun, the runtime in each executable, is Copyright (c) Oven-sh and under the MIT licence. It links
JavaScriptCore and WebKit statically, which are under the LGPL, version 2, and further libraries:
https://github.com/oven-sh/bun/blob/main/LICENSE.md names them all, and where their sources are.
It may be linked anew with a changed JavaScriptCore: ftpx is made from its sources and a Bun by
\`npm run build\`.`;

/** Places of packages, `node_modules/tslib`, that the source maps in a folder name. */
export async function bundledPlaces(mapFolder: string): Promise<string[]> {
  const places = new Set<string>();
  for (const name of await readdir(mapFolder)) {
    if (!name.endsWith(".map")) continue;
    const text = await readFile(join(mapFolder, name), "utf8");
    const { sources } = JSON.parse(text) as { readonly sources: readonly string[] };
    for (const source of sources) {
      const [place] = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(source) ?? [];
      if (place !== undefined) places.add(place.slice(place.indexOf("node_modules/")));
    }
  }
  return [...places].toSorted();
}

/** @throws Error when a package has no licence text */
export async function noticesOf(staged: string, places: readonly string[], own: string) {
  const packages = await Promise.all(places.map((place) => noticeOf(staged, place)));
  const chapters = [["ftpx", own], ...packages, ["Bun", RUNTIME]];
  const line = "=".repeat(80);
  return chapters
    .map(([title = "", text = ""]) => `${line}\n${title}\n${line}\n\n${text.trim()}\n`)
    .join("\n");
}

async function noticeOf(staged: string, place: string): Promise<[title: string, text: string]> {
  const folder = join(staged, place);
  const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as {
    readonly name: string;
    readonly version: string;
    readonly license: string;
  };
  const files = (await readdir(folder)).filter((name) => LICENCE_FILE.test(name)).toSorted();
  if (files.length === 0) throw new Error(`${place} has no licence text`);
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
  const title = `${manifest.name} ${manifest.version} (${manifest.license})`;
  return [title, texts.map((text) => text.replaceAll("\r\n", "\n").trim()).join("\n\n")];
}
