import { afterEach, beforeEach, expect, test } from "bun:test";
import fs from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { clientDirectory, Trust } from "../../src/client/trust.ts";
import { Folder } from "../support/folder.ts";
import { failureOf, refusal } from "../support/refusal.ts";

const ONE = `sha256:${"a".repeat(43)}`;
const OTHER = `sha256:${"b".repeat(43)}`;

let folder: Folder;
let trust: Trust;

beforeEach(() => {
  folder = new Folder();
  trust = new Trust(folder.at("home"));
});

afterEach(() => {
  folder.remove();
});

function write(text: string): void {
  fs.mkdirSync(folder.at("home"), { recursive: true });
  fs.writeFileSync(trust.file, text);
}

test("a server that was never met has no pin, and asking makes no file", async () => {
  expect(await trust.find("host:9999")).toBeUndefined();
  expect(fs.existsSync(folder.at("home"))).toBeFalse();
});

test("a pin is found again, by another client too, and others stay", async () => {
  await trust.pin("host:9999", ONE);
  await trust.pin("[::1]:1", OTHER);
  const later = new Trust(folder.at("home"));

  expect(await later.find("host:9999")).toBe(ONE);
  expect(await later.find("[::1]:1")).toBe(OTHER);
  expect(await later.find("host:999")).toBeUndefined();
  expect(fs.readFileSync(trust.file, "utf8")).toBe(`host:9999 ${ONE}\n[::1]:1 ${OTHER}\n`);
});

test("the last pin of a server counts, and what a person wrote stays", async () => {
  fs.mkdirSync(folder.at("home"), { recursive: true });
  fs.writeFileSync(trust.file, "# the studio\nother:1 " + ONE);
  await trust.pin("host:9999", ONE);
  await trust.pin("host:9999", OTHER);

  expect(await trust.find("host:9999")).toBe(OTHER);
  expect(await trust.find("other:1")).toBe(ONE);
  expect(fs.readFileSync(trust.file, "utf8")).toStartWith(`# the studio\nother:1 ${ONE}\n`);
});

test("a home that cannot be made is a wrong configuration", async () => {
  fs.writeFileSync(folder.at("home"), "a file");

  expect(await failureOf(trust.pin("host:9999", ONE))).toMatchObject({ kind: "BAD_CONFIG" });
});

test("pins can be written by their owner only, and nothing is left beside them", async () => {
  await trust.pin("host:9999", ONE);

  expect(fs.statSync(trust.file).mode & 0o777).toBe(0o600);
  expect(fs.statSync(folder.at("home")).mode & 0o777).toBe(0o700);
  expect(fs.readdirSync(folder.at("home"))).toEqual(["known_servers"]);
});

test("a file that a person has edited is read: comments, blank lines, spaces, line ends", async () => {
  write(`# known\n\n  host:9999   ${ONE}  \r\n\tother:1\t${OTHER}\n`);

  expect(await trust.find("host:9999")).toBe(ONE);
  expect(await trust.find("other:1")).toBe(OTHER);
});

test.each([
  ["half a fingerprint", "host:9999 sha256:abc"],
  ["no fingerprint", "host:9999"],
  ["something behind it", `host:9999 ${ONE} more`],
  ["another digest", `host:9999 ${ONE.replace("256", "512")}`],
])("a line with %s is refused by its number, and nobody is trusted", async (_case, line) => {
  write(`# known\n${line}\n`);
  const reason = `${trust.file}:2: not "HOST:PORT sha256:FINGERPRINT"`;

  expect(trust.find("host:9999")).rejects.toThrow(refusal("BAD_CONFIG", { reason }));
  expect(trust.pin("new:1", ONE)).rejects.toThrow(refusal("BAD_CONFIG"));
  expect(fs.readFileSync(trust.file, "utf8")).toBe(`# known\n${line}\n`);
});

test.each(["__proto__", "constructor", "toString"])(
  "I3: %s is a server like any other",
  async (name) => {
    expect(await trust.find(name)).toBeUndefined();
    await trust.pin(name, ONE);

    expect(await trust.find(name)).toBe(ONE);
  },
);

test("FTPX_HOME says where the client keeps its things, unless it is empty", () => {
  expect(clientDirectory({ FTPX_HOME: "/x", XDG_CONFIG_HOME: "/y" })).toBe("/x");
  expect(clientDirectory({ FTPX_HOME: "", XDG_CONFIG_HOME: "/y" })).toBe(
    process.platform === "linux" ? "/y/ftpx" : clientDirectory({}),
  );
});

test.skipIf(process.platform !== "linux")("without FTPX_HOME it is the platform's folder", () => {
  expect(clientDirectory({})).toBe(join(homedir(), ".config", "ftpx"));
});
