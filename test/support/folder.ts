/** Scratch folders below the system's own, removed when their owner is done. */
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { OpenFile } from "../../src/base/openfile.ts";

export class Folder {
  readonly path = fs.mkdtempSync(join(fs.realpathSync(os.tmpdir()), "ftpx-test-"));

  /** The path of something in it. */
  at(name: string): string {
    return join(this.path, name);
  }

  /** A file with this content, open for reading and writing. */
  async open(name: string, content: Uint8Array = new Uint8Array(0)): Promise<OpenFile> {
    fs.writeFileSync(this.at(name), content);
    return await OpenFile.open(this.at(name), fs.constants.O_RDWR);
  }

  read(name: string): Uint8Array<ArrayBuffer> {
    return new Uint8Array(fs.readFileSync(this.at(name)));
  }

  remove(): void {
    fs.rmSync(this.path, { recursive: true, force: true });
  }
}
