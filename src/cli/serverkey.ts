/** `ftpx fingerprint`: what clients know the server of a data directory by. */
import { FtpxError } from "../base/errors.ts";
import { findIdentity } from "../doors/identity.ts";
import { DATA, JSON_LINES } from "./args.ts";
import type { OptionsOf, Spec } from "./args.ts";
import { placeOf } from "./place.ts";
import { writeJson, writeLine } from "./terminal.ts";

const OPTIONS = { data: DATA, json: JSON_LINES } as const;

export const FINGERPRINT: Spec<typeof OPTIONS> = {
  name: "fingerprint",
  about: "Prints the fingerprint of the server's key",
  usage: "",
  words: [0, 0],
  options: OPTIONS,
  examples: ["ftpx fingerprint --data /srv/ftpx"],
};

export async function fingerprint(
  _words: readonly string[],
  options: OptionsOf<typeof OPTIONS>,
): Promise<void> {
  const identity = await findIdentity(placeOf(options.data).own);
  if (identity === undefined) {
    throw new FtpxError("BAD_CONFIG", {
      reason: "no identity yet; ftpx serve makes it at its first start",
    });
  }
  if (options.json === true) writeJson({ fingerprint: identity.fingerprint });
  else writeLine(identity.fingerprint);
}
