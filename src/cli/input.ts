/**
 * What comes on stdin when nobody types it: a line for a command that was told to look
 * there. Questions and whoever answers them are questions.ts's.
 */
import fs from "node:fs";
import { FtpxError } from "../base/errors.ts";
import { PASSWORD_BYTES_MAX } from "../base/limits.ts";

/**
 * The next line of stdin, without its end, and not one byte more, so that whatever comes
 * behind a password is still there for others. Nothing at the end of stdin.
 */
export async function readInputLine(): Promise<string | undefined> {
  const bytes: number[] = [];
  const one = new Uint8Array(1);
  while (bytes.length <= 4 * PASSWORD_BYTES_MAX) {
    const count = await readSome(one);
    if (count === 0 && bytes.length === 0) return undefined;
    if (count === 0 || one[0] === 0x0a) break;
    bytes.push(one[0] ?? 0);
  }
  return Buffer.from(bytes).toString("utf8").replace(/\r$/, "");
}

async function readSome(into: Uint8Array): Promise<number> {
  for (;;) {
    try {
      return await new Promise((resolve, reject) => {
        fs.read(0, into, 0, into.byteLength, null, (error, count) => {
          if (error === null) resolve(count);
          else reject(error);
        });
      });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EOF") return 0; // Windows, at the end of a pipe
      if (code !== "EAGAIN")
        throw new FtpxError("LOCAL_IO", { path: "standard input", reason: code ?? "" });
      await Bun.sleep(20);
    }
  }
}
