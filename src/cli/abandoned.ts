/**
 * `ftpx uploads`: unfinished uploads of all users, which hold room until somebody goes on with
 * them, and how the operator gives them up. Users see to their own with `unfinished`.
 */
import { FtpxError, withHint } from "../base/errors.ts";
import { HOME, resolvePath } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";
import { formatDuration, formatSize } from "../base/units.ts";
import { demandName } from "./admin.ts";
import { DATA, JSON_LINES } from "./args.ts";
import type { OptionsOf, Spec } from "./args.ts";
import { visible } from "./escaping.ts";
import { inColumns } from "./layout.ts";
import { withOffice } from "./office.ts";
import type { Office, UnfinishedUpload } from "./office.ts";
import { placeOf } from "./place.ts";
import { writeJson, writeLine, writeNote } from "./terminal.ts";
import { forEach } from "./verbs/failing.ts";

const OPTIONS = {
  data: DATA,
  drop: {
    flags: "--drop",
    about: "give up those that are named, or all of USER; their room is free again",
  },
  force: { flags: "--force", about: "with --drop, also one that is under way: its transfer ends" },
  json: JSON_LINES,
} as const;

export const UPLOADS: Spec<typeof OPTIONS> = {
  name: "uploads",
  about: "Lists unfinished uploads of all users, or gives some up",
  usage: "[USER [PATH…]]",
  words: [0, Number.POSITIVE_INFINITY],
  options: OPTIONS,
  examples: ["ftpx uploads", "ftpx uploads ann", "ftpx uploads ann /film.mkv --drop"],
};

/** @returns the worst status */
export async function uploads(
  [user, ...words]: readonly string[],
  { data, drop, force, json }: OptionsOf<typeof OPTIONS>,
): Promise<number> {
  const isJson = json === true;
  const isForced = force === true;
  if (user !== undefined) demandName(user);
  if (isForced && drop !== true) throw new FtpxError("USAGE", { reason: "--force needs --drop" });
  if (drop === true && user === undefined) {
    throw new FtpxError("USAGE", { reason: "--drop needs USER: whose are they?" });
  }
  const paths = words.map((word) => resolvePath(HOME, word));
  const place = placeOf(data);
  const directory = await place.openAccounts();
  return await withOffice(place, async (office) => {
    const usages = await office.usages();
    if (user === undefined) {
      // Whoever has an upload has room reserved for it, if only that of one file.
      const holders = [...usages].filter(([, { reservedFiles }]) => reservedFiles > 0);
      return show(await gather(office, holders.map(([name]) => name).toSorted()), isJson);
    }
    // What an account that is gone has left is there as well.
    if (directory.find(user) === undefined && !usages.has(user)) {
      throw new FtpxError("NO_SUCH_ACCOUNT", { user });
    }
    const all = await gather(office, [user]);
    const found = paths.length === 0 ? all : all.filter(({ path }) => paths.includes(path));
    if (drop === true) {
      const wanted = paths.length === 0 ? found.map(({ path }) => path) : paths;
      return await dropAll(office, user, wanted, { isForced, isJson });
    }
    const missing = paths.filter((path) => found.every((one) => one.path !== path));
    show(found, isJson, paths.length > 0);
    return await forEach(
      missing,
      (path) => path,
      () => Promise.reject(new FtpxError("NO_SUCH_PATH")),
    );
  });
}

interface Row extends UnfinishedUpload {
  readonly user: string;
}

async function gather(office: Office, users: readonly string[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const user of users) {
    for (const upload of await office.uploads(user)) rows.push({ user, ...upload });
  }
  return rows;
}

async function dropAll(
  office: Office,
  user: string,
  paths: readonly VirtualPath[],
  { isForced, isJson }: { readonly isForced: boolean; readonly isJson: boolean },
): Promise<number> {
  if (paths.length === 0 && !isJson) writeNote("no unfinished uploads");
  return await forEach(
    paths,
    (path) => path,
    async (path) => {
      const bytes = await office.dropUpload(user, path, isForced).catch((error: unknown) => {
        throw withHint(error, "it is under way: --force ends its transfer", "UPLOAD_BUSY");
      });
      if (isJson) writeJson({ event: "dropped", user, path, bytes });
      else writeNote(`dropped ${visible(path)} of ${user}: ${formatSize(bytes)} are free again`);
    },
  );
}

/** @returns 0 */
function show(rows: readonly Row[], isJson: boolean, isNamed = false): number {
  if (isJson) {
    for (const { user, path, totalBytes, heldBytes, idleMs, isOpen } of rows) {
      const facts = { bytes: totalBytes, heldBytes, idleMs, open: isOpen };
      writeJson({ event: "unfinished", user, path, ...facts });
    }
  } else if (rows.length > 0) {
    const cells = rows.map(({ user, path, totalBytes, heldBytes, idleMs, isOpen }) => [
      user,
      formatSize(heldBytes),
      formatSize(totalBytes),
      isOpen ? "open" : formatDuration(idleMs),
      visible(path),
    ]);
    for (const line of inColumns([HEADINGS, ...cells])) writeLine(line);
  } else if (!isNamed) writeNote("no unfinished uploads");
  return 0;
}

const HEADINGS = ["USER", "HELD", "OF", "IDLE FOR", "PATH"];
