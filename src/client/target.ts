/**
 * Where to, as a person writes it:
 *
 *   [ftpx://][USER@]HOST[:PORT][/PATH][#sha256:FINGERPRINT]
 *
 * With `ftpx://` it is a URL and its path is percent-decoded; without, the path is
 * taken as it stands. IPv6 addresses stand in brackets.
 *
 * Or `NAME[:PATH]`, when NAME is a bookmark: a path that begins with / is seen from the
 * home, another one from the bookmark's own path.
 */
import { FtpxError, withPath } from "../base/errors.ts";
import { isFingerprint } from "../base/fingerprint.ts";
import { HOME, resolvePath } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";
import { findBookmark, isBookmarkName } from "./bookmarks.ts";

export const PORT_DEFAULT = 9999;

export interface Target {
  readonly user: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly path: VirtualPath;
  /** Whether the path ended in a slash: it means a directory. */
  readonly isDirectory: boolean;
  readonly fingerprint: string | undefined;
}

const SCHEME = "ftpx://";
/** Neither name holds a `#`: behind one stands a fingerprint, and in known_servers a note. */
const AUTHORITY =
  /^(?:([^@/#\p{Cc}\p{Cs}]*)@)?(\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[^@:/[\]\s#\p{Cc}\p{Cs}]+)(?::(\d{1,5}))?$/u;

/** @throws FtpxError USAGE, BAD_CONFIG for the bookmarks, and what parsePath throws */
export function parseTarget(text: string, find = findBookmark): Target {
  const bookmark = find(text);
  if (bookmark === undefined) return parseWritten(text);
  const target = parseWritten(bookmark.target);
  const { path } = bookmark;
  if (path === "") return target;
  return { ...target, path: namedPath(path, target.path), isDirectory: path.endsWith("/") };
}

function parseWritten(text: string): Target {
  const isUrl = text.toLowerCase().startsWith(SCHEME);
  const { rest, fingerprint } = cutFingerprint(isUrl ? text.slice(SCHEME.length) : text, isUrl);
  const slash = rest.indexOf("/");
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const written = slash < 0 ? "/" : rest.slice(slash);
  const parts = AUTHORITY.exec(authority);
  const isNamed = parts === null && !isUrl;
  const [, named = ""] = isNamed ? (/^([^:@/]+):/.exec(text) ?? []) : [];
  if (isBookmarkName(named)) throw noBookmark(named, text);
  const port = Number(parts?.[3] ?? PORT_DEFAULT);
  if (parts === null || port < 1 || port > 65_535) throw notTarget(text);
  const path = isUrl ? decodePath(written, text) : written;
  return {
    user: parts[1] === undefined || parts[1] === "" ? undefined : parts[1],
    host: (parts[2] ?? "").replace(/^\[|\]$/g, ""),
    port,
    path: namedPath(path),
    isDirectory: path.endsWith("/"),
    fingerprint,
  };
}

/** `HOST:PORT`, with brackets where they are needed: the name of a server in trust and messages. */
export function formatHost(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** As a URL, which means the same whatever bookmarks there are. @see parseTarget */
export function formatTarget({ user, host, port, path, isDirectory, fingerprint }: Target): string {
  const who = user === undefined ? "" : `${user}@`;
  const written = path.split("/").map(encodeURIComponent).join("/");
  const end = isDirectory && path !== HOME ? "/" : "";
  const key = fingerprint === undefined ? "" : `#${fingerprint}`;
  return `${SCHEME}${who}${formatHost(host, port)}${written}${end}${key}`;
}

function notFingerprint(text: string): FtpxError {
  const reason = `"#${text}" is not a whole fingerprint (#sha256: and 43 characters)`;
  return new FtpxError("USAGE", { reason });
}

function cutFingerprint(
  text: string,
  isUrl: boolean,
): { rest: string; fingerprint: string | undefined } {
  const hash = text.lastIndexOf("#");
  const fingerprint = hash < 0 ? "" : text.slice(hash + 1);
  if (!fingerprint.startsWith("sha256:")) {
    // In a path it would be written %23.
    if (hash >= 0 && isUrl) throw notFingerprint(fingerprint);
    return { rest: text, fingerprint: undefined };
  }
  if (!isFingerprint(fingerprint)) {
    throw notFingerprint(fingerprint);
  }
  return { rest: text.slice(0, hash), fingerprint };
}

/** As resolvePath; a refusal says which of the paths of a command line it is about. */
export function namedPath(text: string, directory = HOME): VirtualPath {
  try {
    return resolvePath(directory, text);
  } catch (error) {
    throw withPath(error, text);
  }
}

function decodePath(written: string, text: string): string {
  try {
    return decodeURIComponent(written);
  } catch {
    throw notTarget(text);
  }
}

function noBookmark(name: string, text: string): FtpxError {
  const meant = fromScp(text);
  const hint =
    meant === undefined
      ? "ftpx bookmark list shows them; a target is [ftpx://][USER@]HOST[:PORT][/PATH]"
      : `on a server of that name it is ${meant}; ftpx bookmark list shows the bookmarks`;
  return new FtpxError("USAGE", { reason: `there is no bookmark "${name}"` }, { hint });
}

function notTarget(text: string): FtpxError {
  const reason = `"${text}" is not a target ([ftpx://][USER@]HOST[:PORT][/PATH])`;
  const meant = fromScp(text);
  const hint = meant === undefined ? undefined : `write ${meant}`;
  return new FtpxError("USAGE", { reason }, { hint });
}

/** Server and path with a colon between them; a number behind the colon is a port. */
const SCP =
  /^((?:ftpx:\/\/)?(?:[^@:/#]*@)?(?:\[[^\]]*\]|[^@:/#[\]]+)):(?!:|\d+(?:[/#]|$)|[^/]*:)(.*)$/is;

/** How a target is written that scp would take: its path begins at the home too. */
function fromScp(text: string): string | undefined {
  const [, server, path = ""] = SCP.exec(text) ?? [];
  return server === undefined ? undefined : `${server}/${path.replace(/^(?:~(?=\/|$))?\/*/, "")}`;
}
