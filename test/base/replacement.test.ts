import { afterEach, beforeEach, expect, test } from "bun:test";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { FtpxError } from "../../src/base/errors.ts";
import { OpenFile } from "../../src/base/openfile.ts";
import { replaceFile } from "../../src/base/replacement.ts";

const OLD = "old content\n";
const NEW = Buffer.from("new content\n");
let directory = "";
let file = "";

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "ftpx-"));
  file = path.join(directory, "accounts.toml");
});

afterEach(() => {
  fs.rmSync(directory, { recursive: true });
});

function content(): string {
  return fs.readFileSync(file, "utf8");
}

function modeOf(name: string): number {
  return fs.statSync(name).mode & 0o7777;
}

test("replaceFile makes a new file that only its owner can read", async () => {
  await replaceFile(file, NEW);

  expect(content()).toBe(NEW.toString());
  expect(modeOf(file)).toBe(0o600);
  expect(fs.readdirSync(directory)).toEqual(["accounts.toml"]);
});

test.each([0o600, 0o640, 0o664, 0o400])("replaceFile keeps mode %p", async (mode) => {
  fs.writeFileSync(file, OLD);
  fs.chmodSync(file, mode);
  await replaceFile(file, NEW);

  expect(content()).toBe(NEW.toString());
  expect(modeOf(file)).toBe(mode);
});

test.skipIf(process.getuid?.() !== 0)("replaceFile run as root keeps the owner", async () => {
  fs.writeFileSync(file, OLD);
  fs.chownSync(file, 4711, 4712);
  await replaceFile(file, NEW);

  expect(fs.statSync(file)).toMatchObject({ uid: 4711, gid: 4712 });
});

test("replaceFile replaces what a symbolic link points to, and keeps the link", async () => {
  const link = path.join(directory, "link");
  fs.writeFileSync(file, OLD);
  fs.symlinkSync("accounts.toml", link);
  await replaceFile(link, NEW);

  expect(fs.readlinkSync(link)).toBe("accounts.toml");
  expect(content()).toBe(NEW.toString());
});

test("replaceFile never writes in place: who has the old file open keeps it whole", async () => {
  fs.writeFileSync(file, OLD);
  const reader = fs.openSync(file, "r");
  await replaceFile(file, NEW);

  expect(fs.readFileSync(reader, "utf8")).toBe(OLD);
  fs.closeSync(reader);
});

test.each(["write", "sync", "close"] as const)(
  "F6: a %s that fails leaves the old file byte for byte, and nothing beside it",
  async (step) => {
    fs.writeFileSync(file, OLD);
    const open = async (...wanted: [string, number, number]) => {
      const opened = await OpenFile.open(...wanted);
      opened[step] = async () => {
        delete (opened as Partial<OpenFile>)[step];
        await opened.write([NEW.subarray(0, 3)], 0);
        throw new FtpxError("DISK_FULL");
      };
      return opened;
    };

    const failure = await replaceFile(file, NEW, open).catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: "DISK_FULL" });
    expect(content()).toBe(OLD);
    expect(fs.readdirSync(directory)).toEqual(["accounts.toml"]);
  },
);

test("F6: a rename that fails leaves nothing beside the file", async () => {
  fs.mkdirSync(path.join(file, "full"), { recursive: true });
  const failure = await replaceFile(file, NEW).catch((error: unknown) => error);

  expect(failure).toBeInstanceOf(FtpxError);
  expect(fs.readdirSync(directory)).toEqual(["accounts.toml"]);
});

test("replaceFile in a directory that is not there says so", async () => {
  const failure = replaceFile(path.join(directory, "no", "file"), NEW);

  expect(failure).rejects.toThrow(expect.objectContaining({ kind: "NO_SUCH_PATH" }));
});
