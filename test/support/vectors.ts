/** Vectors of test/vectors: lines, without comments and blank ones. */
import fs from "node:fs";

export function readVectorLines(name: string): string[] {
  const text = fs.readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8");
  return text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
}
