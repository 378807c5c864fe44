/** Trees for end-to-end tests: made with odd names, and read back as bytes to be compared. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import { join } from "node:path";

/** Names as the bytes of latin1 text, so that any of them can be written. */
export const ODD_NAMES: readonly string[] = [
  "plain.txt",
  "two words",
  `quotes "and' more`,
  "new\nline",
  "escape\x1b[2J",
  "bad\xff\xfe",
  Buffer.from("\u00e9.nfc").toString("latin1"),
  Buffer.from("e\u0301.nfd").toString("latin1"),
  ".hidden",
  "-dash",
  "a*b[c]{d,e}",
  "back\\slash",
];

export function bytesOf(...names: readonly string[]): Buffer {
  return Buffer.from(names.join("/"), "latin1");
}

export function writeAt(root: string, name: string, content: string, seconds?: number): void {
  const path = Buffer.concat([Buffer.from(`${root}/`), bytesOf(name)]);
  fs.writeFileSync(path, content);
  if (seconds !== undefined) fs.utimesSync(path, seconds, seconds);
}

/** Each thing below a directory, by its path in latin1: what it is, its content, its time. */
export function readTree(root: string, hasTimes = true): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (path: Buffer, shown: string): void => {
    for (const name of fs.readdirSync(path, { encoding: "latin1" }).toSorted()) {
      const child = Buffer.concat([path, Buffer.from("/"), Buffer.from(name, "latin1")]);
      const childShown = shown === "" ? name : `${shown}/${name}`;
      const stats = fs.lstatSync(child);
      if (stats.isDirectory()) {
        found[childShown] = "directory";
        walk(child, childShown);
      } else if (stats.isFile()) {
        const digest = createHash("sha256").update(fs.readFileSync(child)).digest("hex");
        found[childShown] = hasTimes ? `${digest} ${Math.floor(stats.mtimeMs)}` : digest;
      } else found[childShown] = "other";
    }
  };
  walk(Buffer.from(root), "");
  return found;
}

/** So many small files in directories of twenty, of some sizes and times. */
export function plant(root: string, count: number): void {
  for (let index = 0; index < count; index += 1) {
    const directory = join(root, `d${Math.floor(index / 100)}`, `e${Math.floor(index / 20) % 5}`);
    if (index % 20 === 0) fs.mkdirSync(directory, { recursive: true });
    writeAt(directory, `f${index}`, "x".repeat((index * 37) % 3000) + index, 1_600_000_000 + index);
  }
}
