/** The wish to copy one file, as nobody who types a command would vary it. */
import { parsePath } from "../../src/base/path.ts";
import type { CopyJob } from "../../src/client/copy.ts";

export function jobOf(local: string, path: string, wanted: Partial<CopyJob> = {}): CopyJob {
  return {
    local,
    path: parsePath(path),
    algorithm: "sha256",
    isFresh: false,
    mayReplace: true,
    pace: undefined,
    memory: {},
    signal: new AbortController().signal,
    onProgress: () => {},
    ...wanted,
  };
}
