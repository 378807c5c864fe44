/**
 * `passwd`: the user's own password, over the wire. The operator's `ftpx passwd NAME`, which
 * sets anybody's on the server's machine, is cli/passwd.ts.
 *
 * A command that has just asked for the password to sign in does not ask for it again; a
 * shell does, because who types there may not be who opened it.
 */
import { FtpxError, isKind } from "../../base/errors.ts";
import { DerivedKeys } from "../../base/scram.ts";
import { visible } from "../escaping.ts";
import { askNewPassword, demandText } from "../passwords.ts";
import { readInputLine } from "../input.ts";
import { askPassword } from "../hidden.ts";
import { canAsk, writeJson, writeNote } from "../terminal.ts";
import { verb } from "./verb.ts";
import type { Stage } from "./verb.ts";

export const PASSWD = verb({
  name: "passwd",
  about: "Changes your own password on the server",
  options: {},
  shell: { usage: "", words: [0, 0], examples: [] },
  oneShot: { usage: "TARGET", words: [1, 1], examples: ["ftpx passwd ann@files.example.org"] },
  firstWord: [],
  furtherWords: [],
  target: "first",
  run: async (stage, _words, options) => {
    // In one-shot use it is one of the options that open the connection.
    const { passwordStdin } = options as { readonly passwordStdin?: true };
    const isOnStdin = passwordStdin === true && stage.shell === undefined && !process.stdin.isTTY;
    const current = await currentKeys(stage, isOnStdin);
    // Before a person thinks of a new one; what has just signed in is right.
    if (!isOnStdin && current !== stage.remote.passwordKeys) {
      await stage.remote.provePassword(current, stage.signal);
    }
    const next = isOnStdin
      ? demandText((await readInputLine()) ?? "")
      : await askNewPassword(`new password for ${stage.user}`);
    await change(stage, current, next);
    const { user, server } = stage;
    if (stage.isJson) writeJson({ event: "passwd", user, server });
    else writeNote(`password of ${visible(user)} on ${visible(server)} changed`);
    return 0;
  },
});

const BROKEN_LINE = ["CONNECTION_LOST", "PEER_SILENT", "FRAME_DAMAGED"] as const;

/** @throws FtpxError as Remote.changePassword */
async function change({ remote, signal }: Stage, current: DerivedKeys, next: string) {
  try {
    await remote.changePassword(current, next, signal);
  } catch (error) {
    // The answer may have been on its way, and running it again would be refused then.
    if (isKind(error, ...BROKEN_LINE)) {
      writeNote("it is not known whether the new password is in force: try it, then the old one");
    }
    throw error;
  }
}

/** @throws FtpxError NO_PASSWORD, INTERRUPTED */
async function currentKeys({ remote, shell }: Stage, isOnStdin: boolean): Promise<DerivedKeys> {
  const { passwordKeys } = remote;
  if (shell === undefined && passwordKeys !== undefined) return passwordKeys;
  const password = isOnStdin
    ? ((await readInputLine()) ?? "")
    : await askCurrent(shell !== undefined);
  return new DerivedKeys(() => password);
}

async function askCurrent(isShell: boolean): Promise<string> {
  const given = isShell ? "" : (process.env["FTPX_PASSWORD"] ?? "");
  if (given !== "") return given;
  if (!canAsk()) throw new FtpxError("NO_PASSWORD");
  return await askPassword("current password");
}
