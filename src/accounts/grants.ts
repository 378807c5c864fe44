/**
 * The rights that rows of the command table ask for, and what an account's access level
 * gives of them. Rights say what may be done, never where: that is vfs/jail.ts.
 */

/** "admin" is given by no access level: it belongs to the local admin socket. */
export type Grant = "read" | "write" | "remove" | "admin";

export type Access = "full" | "read-only" | "upload-only";

/**
 * What each level gives. "write" makes directories and stores files. An upload-only
 * account sees nothing of what is there, not even names; whether it may replace a file is
 * decided where files are published.
 */
const GRANTS: Readonly<Record<Access, ReadonlySet<Grant>>> = {
  full: new Set<Grant>(["read", "write", "remove"]),
  "read-only": new Set<Grant>(["read"]),
  "upload-only": new Set<Grant>(["write"]),
};

export const ACCESS_LEVELS = Object.keys(GRANTS) as readonly Access[];

export function isAccess(text: unknown): text is Access {
  return ACCESS_LEVELS.includes(text as Access);
}

export function grantsOf(access: Access): ReadonlySet<Grant> {
  return GRANTS[access];
}
