/**
 * File systems that take several names for one: `A` and `a`, or two spellings of `é`, as those of
 * macOS and Windows do. What one name put there is never changed by way of another, or two
 * things of a user would silently become one (row P8). Reading goes by either.
 */
import fs from "node:fs";
import { FtpxError } from "../base/errors.ts";
import { Names } from "./names.ts";
import type { Directory, Location } from "./location.ts";

/** Whether names in a directory may be folded: where case is, told by another spelling of `name`. */
export async function mayFold(
  directory: Directory,
  name: string,
  platform: NodeJS.Platform = process.platform,
): Promise<boolean> {
  // macOS folds spellings of one character even where it tells case.
  if (platform === "darwin" || platform === "win32") return true;
  const other = directory.at(Buffer.from(name.toUpperCase()));
  return await fs.promises.lstat(other).then(
    () => true,
    () => false,
  );
}

/** To be asked about a place where something is. @throws FtpxError SAME_NAME for another's name */
export async function demandExact(place: Location): Promise<void> {
  const wanted = Buffer.from(place.name).toString("latin1");
  const names = await Names.read(place.directory);
  for (let name = names.next(); name !== undefined; name = names.next()) {
    if (name === wanted) return;
  }
  // Gone meanwhile, or never there by this name.
  if ((await place.find()) !== undefined) throw new FtpxError("SAME_NAME");
}
