/** Opening what is no link where the system has no flag for it: the look before, the look after. */
import { afterEach, beforeEach, expect, mock, spyOn, test } from "bun:test";
import fs from "node:fs";
import { FtpxError } from "../../src/base/errors.ts";
import { OpenFile } from "../../src/base/openfile.ts";
import { Folder } from "../support/folder.ts";
import { codeOf } from "../support/errno.ts";

const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = fs.constants;
const NO_FLAG = 0;

let folder: Folder;

beforeEach(() => {
  folder = new Folder();
});

afterEach(() => {
  mock.restore();
  folder.remove();
});

function open(name: string, flags: number): Promise<OpenFile> {
  return OpenFile.openUnlinked(folder.at(name), flags, 0o600, NO_FLAG);
}

/** Between a look and the open that follows it. */
function afterLook(change: (look: number) => void): void {
  const { lstat } = fs.promises;
  let looks = 0;
  spyOn(fs.promises, "lstat").mockImplementation((async (...wanted: [string]) => {
    try {
      return await lstat(...wanted);
    } finally {
      change((looks += 1));
    }
  }) as never);
}

test("P3: a link is refused, dangling or not, and nothing behind it is touched", async () => {
  fs.writeFileSync(folder.at("canary"), "canary");
  fs.symlinkSync("canary", folder.at("l"));
  fs.symlinkSync("nothing", folder.at("d"));
  for (const flags of [O_RDONLY, O_RDWR | O_CREAT, O_WRONLY | O_CREAT | O_TRUNC]) {
    expect(await codeOf(open("l", flags))).toBe("ELOOP");
    expect(await codeOf(open("d", flags))).toBe("ELOOP");
  }

  expect(await codeOf(open("l", O_RDWR | O_CREAT | O_EXCL))).toBe("EEXIST");
  expect(fs.readFileSync(folder.at("canary"), "utf8")).toBe("canary");
  expect(fs.existsSync(folder.at("nothing"))).toBe(false);
});

test("P4: a link that comes after the look leads nowhere", async () => {
  fs.writeFileSync(folder.at("canary"), "canary");
  fs.writeFileSync(folder.at("f"), "mine");
  afterLook((look) => {
    if (look > 1) return;
    fs.rmSync(folder.at("f"));
    fs.symlinkSync("canary", folder.at("f"));
  });

  expect(await codeOf(open("f", O_WRONLY | O_CREAT | O_TRUNC))).toBe("ELOOP");
  expect(fs.readFileSync(folder.at("canary"), "utf8")).toBe("canary");
});

test("P4: a dangling link that comes after the look makes nothing", async () => {
  afterLook((look) => {
    if (look === 1) fs.symlinkSync("planted", folder.at("f"));
  });

  expect(await codeOf(open("f", O_RDWR | O_CREAT))).toBe("ELOOP");
  expect(fs.existsSync(folder.at("planted"))).toBe(false);
});

test("P4: a file that goes after the look is looked for again", async () => {
  fs.writeFileSync(folder.at("f"), "old");
  afterLook((look) => {
    if (look === 1) fs.rmSync(folder.at("f"));
  });
  const file = await open("f", O_RDWR | O_CREAT);

  expect((await file.facts()).bytes).toBe(0);
  await file.close();
});

test("a file is opened, made and emptied as with the flag", async () => {
  const made = await open("f", O_RDWR | O_CREAT);
  await made.write([Buffer.from("content")], 0);
  await made.close();
  const again = await open("f", O_RDWR | O_CREAT);
  expect((await again.facts()).bytes).toBe(7);
  await again.close();
  const emptied = await open("f", O_RDWR | O_CREAT | O_TRUNC);
  expect((await emptied.facts()).bytes).toBe(0);
  await emptied.close();

  expect(await codeOf(open("none", O_RDONLY))).toBe("ENOENT");
});

test("a file that cannot be emptied, or not be looked at, is closed", async () => {
  fs.writeFileSync(folder.at("f"), "old");
  const close = spyOn(fs, "close");
  // Who may only read cannot empty.
  expect(await codeOf(open("f", O_RDONLY | O_TRUNC))).toBe("EINVAL");
  expect(close).toHaveBeenCalledTimes(1);

  const failure = new FtpxError("IO_FAILED", {}, { cause: { code: "EIO" } });
  spyOn(OpenFile.prototype, "facts").mockRejectedValue(failure);
  expect(await codeOf(open("f", O_RDONLY))).toBe("EIO");
  expect(close).toHaveBeenCalledTimes(2);
});
