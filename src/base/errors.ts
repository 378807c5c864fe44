/**
 * Every failure that ftpx can name: one table, one class.
 *
 * A row says the permanent wire code, the exit status for scripts, what the
 * failure ends, the sentence a person reads and, where something can be done, a
 * hint. Details are facts with units; sentences never cross the wire. Parts in
 * square brackets are left out when a detail they name is absent.
 *
 * Codes stand in blocks of sixteen by subject and are never given twice.
 */

export interface ErrorRow {
  /** u16 on the wire, permanent. */
  readonly code: number;
  /** sysexits(3) status, see README.md. */
  readonly exit: number;
  /** What it ends, when it crosses the wire. */
  readonly ends: "request" | "connection";
  readonly text: string;
  readonly hint?: string;
  /** Whether it arises on the side that shows it; when no row says, those from OWN_CODES_FROM on do. */
  readonly isOwn?: boolean;
}

/** Rows from here on arise on the side that shows them; see `errorOfCode`. */
const OWN_CODES_FROM = 96;

// Left as it is by the formatter, because a table is read by column.
// oxfmt-ignore
export const ERRORS = {
  // 1-15: the peer broke the protocol
  BAD_FRAME:          { code: 1,  exit: 76, ends: "connection", text: "received bytes that are not a frame[ ({reason})]", hint: "look at the host and the port; if they are right, bring both sides to the same version of ftpx" },
  WRONG_VERSION:      { code: 2,  exit: 76, ends: "connection", text: "the other side speaks another version of the protocol[ ({version})]", hint: "bring both sides to the same version of ftpx" },
  BODY_TOO_LARGE:     { code: 3,  exit: 76, ends: "connection", text: "frame body is over the limit[: {neededBytes} of {limitBytes}]" },
  UNKNOWN_COMMAND:    { code: 4,  exit: 76, ends: "request",    text: "the other side does not know this command[ ({command})]", hint: "bring both sides to the same version of ftpx" },
  BAD_BODY:           { code: 5,  exit: 76, ends: "request",    text: "frame body has not the shape of its command[ ({reason})]" },
  BAD_STATE:          { code: 6,  exit: 76, ends: "request",    text: "command came at the wrong time[ ({reason})]" },
  WINDOW_EXCEEDED:    { code: 7,  exit: 76, ends: "connection", text: "the other side sent more than it was given room for" },
  OUT_OF_RANGE:       { code: 8,  exit: 76, ends: "request",    text: "a number is outside its range[ ({reason})]" },
  TOO_MANY_REQUESTS:  { code: 9,  exit: 75, ends: "request",    text: "too many requests at once[: the limit is {limit}]" },
  PEER_SILENT:        { code: 10, exit: 75, ends: "connection", text: "the other side has not answered[ for {elapsedMs}]", hint: "run the same command again: it goes on where it was" },
  FRAME_DAMAGED:      { code: 11, exit: 75, ends: "connection", text: "a frame was damaged on its way", hint: "run the same command again: it goes on where it was" },
  EMPTY_FRAMES:       { code: 12, exit: 76, ends: "connection", text: "the other side sent too many frames that carry nothing", hint: "bring both sides to the same version of ftpx" },
  INTERNAL:           { code: 15, exit: 70, ends: "connection", text: "a defect of ftpx[: {reason}]", hint: "the server's log has the details; please report it" },

  // 16-31: sign-in and rights
  NOT_SIGNED_IN:      { code: 16, exit: 77, ends: "request",    text: "not signed in" },
  SIGN_IN_REFUSED:    { code: 17, exit: 77, ends: "request",    text: "sign-in refused: user name or password is wrong, the key is not one of the account's, or the account is not active", hint: "check name and password; the operator can set a new one" },
  SIGN_IN_TOO_LATE:   { code: 18, exit: 77, ends: "connection", text: "did not sign in in time", hint: "connect again" },
  TOO_MANY_TRIES:     { code: 19, exit: 77, ends: "connection", text: "too many wrong passwords or keys", hint: "connect again later, or ask the operator for a new password" },
  FORBIDDEN:          { code: 20, exit: 77, ends: "request",    text: "your account may not do this[ (it needs the right: {right})]", hint: "ask the operator for the right" },
  ACCOUNT_CLOSED:     { code: 21, exit: 77, ends: "connection", text: "the operator has closed or changed this account", hint: "ask the operator" },
  NOT_GENUINE:        { code: 22, exit: 77, ends: "connection", text: "the server could not prove that it knows this account[ ({reason})]", hint: "somebody may be between you and the server; nothing was sent", isOwn: true },
  BAD_PARAMETERS:     { code: 23, exit: 77, ends: "connection", text: "the server asks for unsafe password parameters[ ({reason})]", hint: "nothing was derived from the password and nothing was sent", isOwn: true },
  UNKNOWN_KEY:        { code: 24, exit: 77, ends: "connection", text: "the key of {host} is not known here: {fingerprint}", hint: "compare it with what the server printed, then use --accept-new or the line ftpx://…#sha256:…", isOwn: true },
  CHANGED_KEY:        { code: 25, exit: 77, ends: "connection", text: "the key of {host} has changed: known {expected}, offered {fingerprint}", hint: "if the operator confirms the new key, remove the line of {host} from {file} and connect again", isOwn: true },
  NO_PASSWORD:        { code: 26, exit: 77, ends: "connection", text: "no password was given", hint: "use --password-stdin, FTPX_PASSWORD, or a terminal", isOwn: true },
  PASSWORD_REFUSED:   { code: 27, exit: 77, ends: "request",    text: "the password was not changed[: {reason}]" },
  REGISTRATION_OFF:   { code: 28, exit: 77, ends: "request",    text: "this server takes no requests for an account", hint: "ask its operator for an account, or for an invite" },
  BAD_INVITE:         { code: 29, exit: 77, ends: "request",    text: "the invite is not valid: wrong, used, expired, taken back, or for another name", hint: "ask the operator for a new one" },
  NAME_TAKEN:         { code: 30, exit: 73, ends: "request",    text: "the name {user} is taken", hint: "the invite is still good: choose another name" },
  BAD_REGISTRATION:   { code: 31, exit: 64, ends: "request",    text: "not a usable request for an account[ ({reason})]" },

  // 32-47: files
  NO_SUCH_PATH:       { code: 32, exit: 66, ends: "request",    text: "no such file or directory" },
  BAD_PATH:           { code: 33, exit: 64, ends: "request",    text: "not a usable path[ ({reason})]" },
  OUTSIDE_HOME:       { code: 34, exit: 77, ends: "request",    text: "leads out of the home directory", hint: "your home is /, and nothing is above it" },
  EXISTS:             { code: 35, exit: 73, ends: "request",    text: "exists already", hint: "choose another name, or remove what is there" },
  NOT_A_DIRECTORY:    { code: 36, exit: 66, ends: "request",    text: "is not a directory" },
  IS_A_DIRECTORY:     { code: 37, exit: 73, ends: "request",    text: "is a directory" },
  NOT_EMPTY:          { code: 38, exit: 73, ends: "request",    text: "directory is not empty", hint: "rm -r removes a directory with all it holds" },
  NOT_A_FILE:         { code: 39, exit: 66, ends: "request",    text: "is neither a regular file nor a directory" },
  NAME_TOO_LONG:      { code: 40, exit: 73, ends: "request",    text: "name or path is too long[: the limit is {limitBytes}]", hint: "choose a shorter name" },
  NO_PERMISSION:      { code: 41, exit: 77, ends: "request",    text: "the operating system refuses access[ ({reason})]" },
  CHANGED:            { code: 42, exit: 75, ends: "request",    text: "changed while it was read", hint: "try again" },
  LIST_EXPIRED:       { code: 43, exit: 75, ends: "request",    text: "the listing is no longer held", hint: "list again" },
  SAME_NAME:          { code: 44, exit: 73, ends: "request",    text: "the server's file system takes this for the name of something else that is there", hint: "choose another name, or rename what is there: names that differ in case or spelling alone are one there" },
  IN_USE:             { code: 45, exit: 75, ends: "request",    text: "somebody has the file open, so the operating system does not replace it", hint: "try again later; what was sent is kept" },

  // 48-63: limits
  QUOTA_EXCEEDED:     { code: 48, exit: 73, ends: "request",    text: "does not fit into your quota[: {neededBytes} needed, {freeBytes} free of {limitBytes}]", hint: "remove something, finish or give up unfinished uploads (ftpx unfinished), or ask the operator for more" },
  FILES_EXCEEDED:     { code: 49, exit: 73, ends: "request",    text: "too many files and directories[: {needed} more needed, {free} free of {limit}]", hint: "remove something, finish or give up unfinished uploads (ftpx unfinished), or ask the operator for more" },
  DISK_FULL:          { code: 50, exit: 73, ends: "request",    text: "the disk is full[: {neededBytes} needed, {freeBytes} free]", hint: "make room and try again; an unfinished transfer goes on where it was" },
  SERVER_FULL:        { code: 51, exit: 75, ends: "connection", text: "the server has no room for another session[: the limit is {limit}]", hint: "try again later" },
  TOO_MANY_TRANSFERS: { code: 52, exit: 75, ends: "request",    text: "too many transfers at once[: the limit is {limit}]", hint: "copy fewer files at once (--jobs)" },
  REGISTRATIONS_FULL: { code: 53, exit: 75, ends: "request",    text: "too many requests for an account are waiting[: the limit is {limit}]", hint: "try again when the operator has answered some of them" },
  REGISTERED_OFTEN:   { code: 54, exit: 75, ends: "request",    text: "too many requests for an account came from your address[: the limit is {limit}]", hint: "ask the operator to answer them, or for an invite" },
  INVITES_FULL:       { code: 55, exit: 73, ends: "request",    text: "too many invites are open[: the limit is {limit}]", hint: "ftpx invite --list shows them; ftpx invite --revoke N takes one back" },
  NOT_NOW:            { code: 56, exit: 75, ends: "request",    text: "the account cannot be made at this moment", hint: "try again later; the invite is still good" },
  KICKED:             { code: 57, exit: 77, ends: "connection", text: "the operator has ended this session[: {reason}]", hint: "unfinished transfers are kept: the same command goes on where it was" },
  NO_SUCH_SESSION:    { code: 58, exit: 66, ends: "request",    text: "nobody is here by that name or number: {user}", hint: "ftpx who lists who is here" },
  NO_SERVER:          { code: 59, exit: 69, ends: "request",    text: "no server is running in this data directory", isOwn: true },
  SOURCE_FULL:        { code: 60, exit: 75, ends: "connection", text: "too many connections from your address at once[: the limit is {limit}]", hint: "close some of them, or try again later" },
  USER_FULL:          { code: 61, exit: 75, ends: "connection", text: "too many sessions of this account at once[: the limit is {limit}]", hint: "end one of them, or ask the operator to (ftpx who, ftpx kick)" },
  THROTTLED:          { code: 62, exit: 75, ends: "connection", text: "too many failed sign-ins, from your address or for this account", hint: "until then the right password is refused too" },

  // 64-79: transfers
  UPLOAD_BUSY:        { code: 64, exit: 75, ends: "request",    text: "another session is uploading this file", hint: "try again later" },
  WRONG_OFFSET:       { code: 65, exit: 76, ends: "request",    text: "content came for the wrong place[: expected offset {expectedOffset}, received {offset}]" },
  SIZE_MISMATCH:      { code: 66, exit: 65, ends: "request",    text: "content has not the declared size[: declared {expectedBytes}, found {bytes}]" },
  DIGEST_MISMATCH:    { code: 67, exit: 65, ends: "request",    text: "content does not match its digest[: sent {expected}, found {digest}]", hint: "nothing was published" },
  CHUNK_DAMAGED:      { code: 68, exit: 75, ends: "request",    text: "a chunk was damaged on its way[ (offset {offset})]", hint: "it is sent again when the transfer goes on" },
  NO_SUCH_TRANSFER:   { code: 69, exit: 76, ends: "request",    text: "no such transfer is open" },
  TAKEN_OVER:         { code: 70, exit: 75, ends: "request",    text: "another session of this user has taken the transfer over", hint: "let the other one finish" },
  SOURCE_CHANGED:     { code: 71, exit: 75, ends: "request",    text: "the local file changed while it was sent", hint: "send it again", isOwn: true },
  TRANSFER_STALLED:   { code: 72, exit: 75, ends: "request",    text: "the transfer made no progress[ for {elapsedMs}]", hint: "run the same command again: it goes on where it was" },
  UPLOAD_DROPPED:     { code: 73, exit: 77, ends: "request",    text: "the operator has given this upload up", hint: "ask the operator; what was sent of it is gone" },

  // 80-95: the server's own state
  DRAINING:           { code: 80, exit: 69, ends: "connection", text: "the server is shutting down", hint: "try again when it is back; unfinished transfers go on where they were" },
  IO_FAILED:          { code: 81, exit: 75, ends: "request",    text: "the disk reported an error[ ({reason})]", hint: "try again; the operator finds more in the log of the server and of its system" },
  STATE_FAILED:       { code: 82, exit: 75, ends: "request",    text: "the server's state database reported an error[ ({reason})]" },
  OUTCOME_UNKNOWN:    { code: 83, exit: 75, ends: "request",    text: "the file was moved into place, but the disk did not confirm it", hint: "compare its digest, or send it again" },
  SERVER_STOPPING:    { code: 84, exit: 69, ends: "request",    text: "the server is shutting down and begins no further transfer", hint: "try again when it is back" },
  NOT_SETTLED:        { code: 85, exit: 75, ends: "request",    text: "the last upload to this path is not counted yet", hint: "try again" },
  NO_DESCRIPTORS:     { code: 86, exit: 75, ends: "request",    text: "too many files are open at once", hint: "try again" },
  STATE_DAMAGED:      { code: 87, exit: 78, ends: "request",    text: "the server's state database is damaged[ ({reason})]", hint: "the operator can mend that with the server stopped: ftpx check --fix" },

  // 96-127: they arise on the side that shows them (isOwn); only the operator's socket carries some
  UNREACHABLE:        { code: 96,  exit: 69, ends: "connection", text: "cannot reach {host}[: {reason}]", hint: "look at the host and the port, and whether the server runs" },
  CONNECTION_LOST:    { code: 97,  exit: 75, ends: "connection", text: "the connection was lost[ ({reason})]", hint: "run the same command again: it goes on where it was" },
  TLS_FAILED:         { code: 98,  exit: 76, ends: "connection", text: "no TLS connection with {host}[: {reason}]" },
  USAGE:              { code: 99,  exit: 64, ends: "request",    text: "{reason}" },
  NO_LOCAL_FILE:      { code: 100, exit: 66, ends: "request",    text: "no such local file or directory" },
  LOCAL_IO:           { code: 101, exit: 75, ends: "request",    text: "local file error[: {reason}]" },
  LOCAL_EXISTS:       { code: 102, exit: 73, ends: "request",    text: "exists already on this machine", hint: "choose another name, or move it away" },
  UNSAFE_NAME:        { code: 103, exit: 76, ends: "request",    text: "the server lists a name that cannot be used safely here", hint: "get it under a name of your own: get PATH LOCAL" },
  BAD_ACCOUNTS:       { code: 104, exit: 78, ends: "request",    text: "{file}:{line}:{column}: {reason}" },
  BAD_CONFIG:         { code: 105, exit: 78, ends: "request",    text: "{reason}" },
  ACCOUNT_EXISTS:     { code: 106, exit: 73, ends: "request",    text: "account {user} exists already", hint: "ftpx usermod changes it" },
  NO_SUCH_ACCOUNT:    { code: 107, exit: 66, ends: "request",    text: "no account {user}", hint: "ftpx users lists all" },
  SERVER_RUNNING:     { code: 108, exit: 75, ends: "request",    text: "a server is already using this data directory", hint: "stop that server first" },
  BUSY_ACCOUNTS:      { code: 109, exit: 75, ends: "request",    text: "another command is editing accounts.toml", hint: "try again", isOwn: false },
  INTERRUPTED:        { code: 110, exit: 130, ends: "request",   text: "interrupted[ by {reason}]" },
  SERVER_ERROR:       { code: 111, exit: 76, ends: "request",    text: "refused by the server (code {code})", hint: "bring both sides to the same version of ftpx" },
  OTHER_KEY:          { code: 112, exit: 77, ends: "connection", text: "the target names a key that is not the one known of {host}: target {fingerprint}, known {expected}", hint: "ask the operator which is right; only a known key that is out of date is to be removed from {file}" },
  LOCAL_FULL:         { code: 113, exit: 73, ends: "request",    text: "the disk of this machine is full", hint: "make room and run the same command again: it goes on where it was" },
  LEADS_OUT:          { code: 114, exit: 73, ends: "request",    text: "a symbolic link here leads out of the target directory", hint: "remove the link, or copy to where it leads" },
  NAME_COLLISION:     { code: 115, exit: 73, ends: "request",    text: "would be the same file as {file} on this machine", hint: "rename one of them" },
  TREE_TOO_LARGE:     { code: 116, exit: 73, ends: "request",    text: "too many files and directories for one command[: the limit is {limit}]", hint: "copy its directories one by one" },
  WRONG_KIND:         { code: 117, exit: 73, ends: "request",    text: "a {reason} stands where a {expected} must be", hint: "sync --delete replaces it" },
  FOREIGN_RUNTIME:    { code: 118, exit: 78, ends: "request",    text: "{reason} changes what this program does before it begins, so it does not begin", hint: "unset that variable, as with: env -u {file} ftpx …" },
  NOT_WAITING:        { code: 119, exit: 66, ends: "request",    text: "{reason}" },
  ACCOUNT_DENIED:     { code: 120, exit: 77, ends: "request",    text: "the operator has denied the account[: {reason}]" },
  NOT_FTPX:           { code: 121, exit: 76, ends: "connection", text: "{host} is not an ftpx server[: {reason}]", hint: "look at the host and the port; where a server listens without TLS, --plain reaches it" },
  TURNED_AWAY:        { code: 122, exit: 75, ends: "connection", text: "{host} closes connections before anything is said[: {reason}]", hint: "it may be busy, or have shut out this address for a while; or it is another kind of server" },
  NO_SUCH_BOOKMARK:   { code: 126, exit: 66, ends: "request",    text: "no bookmark \"{reason}\"", hint: "ftpx bookmark list shows all" },
  LOCAL_PATH:         { code: 127, exit: 66, ends: "request",    text: "cannot be reached on this machine: {reason}", hint: "look at what stands there" },

  // 128-143: key files; they arise at the client and at the operator's commands
  BAD_KEY_FILE:       { code: 128, exit: 78, ends: "request",    text: "not a private key that can be used[: {reason}]", hint: "ftpx keygen or ssh-keygen -t ed25519 makes one" },
  KEY_NOT_ED25519:    { code: 129, exit: 78, ends: "request",    text: "a key of another kind[: {reason}]", hint: "only Ed25519 keys sign in; ftpx keygen or ssh-keygen -t ed25519 makes one" },
  KEY_EXPOSED:        { code: 130, exit: 77, ends: "request",    text: "others can read this private key, so it is not used", hint: "chmod 600 {path}" },
  WRONG_PASSPHRASE:   { code: 131, exit: 77, ends: "request",    text: "wrong passphrase" },
  NO_PASSPHRASE:      { code: 132, exit: 77, ends: "request",    text: "the key needs a passphrase and none was given", hint: "use FTPX_KEY_PASSPHRASE, or a terminal" },
  KEY_REFUSED:        { code: 133, exit: 77, ends: "request",    text: "sign-in refused: the key is not one of the account's, or there is no such active account", hint: "the operator adds a key: ftpx usermod {user} --add-key FILE.pub; without --key and FTPX_KEY a password signs in" },
} as const satisfies Record<string, ErrorRow>;

/** Codes that were used once and mean nothing any more; never to be given again. */
export const RETIRED_CODES: readonly number[] = [];

export type ErrorKind = keyof typeof ERRORS;

/**
 * What an error can tell besides its kind. The number is the detail's permanent
 * code on the wire; a detail is a size (u64) or a text, by its type here.
 */
// oxfmt-ignore
export const DETAILS = {
  neededBytes:    { code: 1,  type: "size" },
  freeBytes:      { code: 2,  type: "size" },
  limitBytes:     { code: 3,  type: "size" },
  needed:         { code: 4,  type: "size" },
  free:           { code: 5,  type: "size" },
  limit:          { code: 6,  type: "size" },
  offset:         { code: 7,  type: "size" },
  expectedOffset: { code: 8,  type: "size" },
  bytes:          { code: 9,  type: "size" },
  expectedBytes:  { code: 10, type: "size" },
  retryAfterMs:   { code: 11, type: "size" },
  elapsedMs:      { code: 12, type: "size" },
  version:        { code: 13, type: "size" },
  command:        { code: 14, type: "size" },
  code:           { code: 15, type: "size" },
  line:           { code: 16, type: "size" },
  column:         { code: 17, type: "size" },
  path:           { code: 32, type: "text" },
  reason:         { code: 33, type: "text" },
  right:          { code: 34, type: "text" },
  expected:       { code: 35, type: "text" },
  digest:         { code: 36, type: "text" },
  host:           { code: 37, type: "text" },
  fingerprint:    { code: 38, type: "text" },
  user:           { code: 39, type: "text" },
  file:           { code: 40, type: "text" },
} as const satisfies Record<string, { code: number; type: "size" | "text" }>;

export type DetailName = keyof typeof DETAILS;

export type Details = {
  readonly [Name in DetailName]?: (typeof DETAILS)[Name]["type"] extends "size" ? number : string;
};

/** The one class of refusals. Bugs are plain Errors; they never cross the wire as they are. */
export class FtpxError extends Error {
  readonly kind: ErrorKind;
  readonly details: Details;

  /** What can be done where it arose, instead of what its row says; never crosses the wire. */
  readonly hint: string | undefined;

  constructor(
    kind: ErrorKind,
    details: Details = {},
    options: { cause?: unknown; hint?: string | undefined } = {},
  ) {
    super(kind, options);
    this.name = "FtpxError";
    this.hint = options.hint;
    this.kind = kind;
    this.details = details;
  }

  get row(): ErrorRow {
    return ERRORS[this.kind];
  }

  /** Whether the same attempt may succeed later; follows from the exit status. */
  get isTemporary(): boolean {
    return this.row.exit === 69 || this.row.exit === 75;
  }
}

export function isKind<Kind extends ErrorKind>(
  error: unknown,
  ...kinds: readonly Kind[]
): error is FtpxError & { readonly kind: Kind } {
  return error instanceof FtpxError && (kinds as readonly ErrorKind[]).includes(error.kind);
}

/** A refusal as it is; anything else is a defect, and its own text is for the log alone. */
export function failureOf(error: unknown): FtpxError {
  return error instanceof FtpxError ? error : new FtpxError("INTERNAL", {}, { cause: error });
}

/** The same failure with the path it is about, unless it names one already. */
export function withPath(error: unknown, path: string): unknown {
  if (!(error instanceof FtpxError) || error.details.path !== undefined) return error;
  const { cause, hint } = error;
  return new FtpxError(error.kind, { ...error.details, path }, { cause, hint });
}

/** A failure of one of these kinds with what only the caller knows can be done about it. */
export function withHint(error: unknown, hint: string, ...kinds: readonly ErrorKind[]): unknown {
  if (!isKind(error, ...kinds)) return error;
  return new FtpxError(error.kind, error.details, { cause: error.cause, hint });
}

const KIND_OF_CODE = new Map<number, ErrorKind>(
  Object.entries(ERRORS).map(([kind, row]) => [row.code, kind as ErrorKind]),
);

/**
 * The failure that a peer names by code. A code that this version does not know, and one
 * that only this side can find out, ends the request and is shown by its number: or a
 * server would have our own advice shown, with a host and a file of its choosing. The
 * operator's own server on this machine is believed.
 */
export function errorOfCode(
  code: number,
  details: Details,
  { isOperators = false } = {},
): FtpxError {
  const kind = KIND_OF_CODE.get(code);
  if (kind === undefined) return new FtpxError("SERVER_ERROR", { ...details, code });
  if (isOwn(kind) && !isOperators) return new FtpxError("SERVER_ERROR", { code });
  return new FtpxError(kind, details);
}

/** Whether such a failure is never told by the other side. */
export function isOwn(kind: ErrorKind): boolean {
  const row: ErrorRow = ERRORS[kind];
  return row.isOwn ?? row.code >= OWN_CODES_FROM;
}

/**
 * What the operating system's error is in our table. Used only at the edge where
 * the call was made.
 */
export function errorOfSystem(error: unknown): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  if (error instanceof FtpxError || typeof code !== "string") return error;
  const kind = KIND_OF_ERRNO.get(code) ?? "IO_FAILED";
  return new FtpxError(kind, kind === "IO_FAILED" ? { reason: code } : {}, { cause: error });
}

const KIND_OF_ERRNO = new Map<string, ErrorKind>([
  ["ENOENT", "NO_SUCH_PATH"],
  ["EEXIST", "EXISTS"],
  ["ENOTDIR", "NOT_A_DIRECTORY"],
  ["EISDIR", "IS_A_DIRECTORY"],
  ["ENOTEMPTY", "NOT_EMPTY"],
  ["ENAMETOOLONG", "NAME_TOO_LONG"],
  ["EACCES", "NO_PERMISSION"],
  ["EPERM", "NO_PERMISSION"],
  ["EROFS", "NO_PERMISSION"],
  ["ENOSPC", "DISK_FULL"],
  ["EDQUOT", "DISK_FULL"],
  ["EFBIG", "DISK_FULL"],
  ["EMFILE", "NO_DESCRIPTORS"],
  ["ENFILE", "NO_DESCRIPTORS"],
  ["ENXIO", "NOT_A_FILE"],
  ["EINVAL", "BAD_PATH"],
]);
