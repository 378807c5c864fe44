/**
 * Every bound of ftpx, its unit in its name, its reason beside it.
 *
 * What a bound protects is said here once; PROTOCOL.md's table is generated from
 * this file. Relations between bounds are asserted at the end, when the file loads.
 */

const KIB = 1024;
const MIB = 1024 * KIB;

/** One digest is kept for this much of a file: the unit of proof and of resuming. Fixed by the protocol. */
export const CHUNK_BYTES = 8 * MIB;

/** Before sign-in a peer is a stranger: enough for hello and SCRAM, too little to be worth an attack. */
export const UNSIGNED_BODY_BYTES_MAX = 4 * KIB;

/** A listing page, a page of digests, a piece of content: all of them fit, nothing needs more. */
export const BODY_BYTES_MAX = MIB;

/** What one content frame carries at most. Large enough that frames cost nothing, small enough that an `ls` between two of them is not felt. */
export const CONTENT_BYTES_MAX = 512 * KIB;

/** Unacknowledged bytes a sender may have in flight in one transfer: bandwidth times delay of a 1 Gbit/s line with 60 ms. */
export const WINDOW_BYTES = 8 * MIB;

/** Windows that all transfers of one session share: the first few get a full one, the rest the least. */
export const SESSION_WINDOW_BYTES = 32 * MIB;
export const WINDOW_BYTES_MIN = 512 * KIB;

/** Content of all uploads that waits for the disk. Above it, who sends more is not read until a quarter has been written: a disk that stands still costs no more memory. */
export const UNWRITTEN_BYTES_MAX = 64 * MIB;

/** What may be sent before the reply to `openUpload` has come: a small file fits, and what TRANSFERS_MAX uploads of a session hold back waiting for their disk does not hurt. */
export const EAGER_BYTES_MAX = 512 * KIB;

/** What anything that waits costs beside its bytes: a queue of empty things is not free. Pieces of content that come before their transfer is open are no smaller than this on average. */
export const HELD_BYTES_EACH = 512;

/** A receiver acknowledges after so many bytes, so that a window never runs dry and acknowledgements stay rare. */
export const ACK_EVERY_BYTES = MIB;

/** Requests of one connection that are being worked on: a page of small files in a pipeline. */
export const REQUESTS_MAX = 512;

/** Transfers that one session has open: each holds a descriptor and two buffers. */
export const TRANSFERS_MAX = 256;

/** Control frames waiting for a slow reader; above it the connection is not read until they are gone. */
export const REPLY_QUEUE_BYTES_MAX = 4 * MIB;

/** Linux's PATH_MAX, less the closing NUL. */
export const PATH_BYTES_MAX = 4095;

/** NAME_MAX of every common file system. */
export const NAME_BYTES_MAX = 255;

/** Names of accounts: one path component, one TOML key, readable in a log. */
export const USER_BYTES_MAX = 32;

/** A password longer than this is no password; keeps derivation input bounded. */
export const PASSWORD_BYTES_MAX = 1024;

/** A new password that is shorter is warned of in a terminal, and taken: NIST SP 800-63B asks for 8. */
export const PASSWORD_CHARACTERS_ADVISED = 8;

/** One SCRAM message: nonces, salt and proof with room to spare. */
export const SCRAM_MESSAGE_BYTES_MAX = 1024;

/** Characters of base64 or the like that one side adds to a SCRAM nonce: 96 bits at least, and two of them fit a message. */
export const NONCE_CHARACTERS_MIN = 16;
export const NONCE_CHARACTERS_MAX = 128;

/** Salt of a password: drawn with 128 bits; other makers of verifiers may draw more. */
export const SALT_BYTES_MIN = 16;
export const SALT_BYTES = 16;
export const SALT_BYTES_MAX = 64;

/** Texts a peer may put into hello and errors. */
export const TEXT_BYTES_MAX = 512;

/** Entries of one listing page: names of 255 bytes fit a body even when every byte is escaped to four. */
export const LIST_PAGE_ENTRIES_MAX = 800;

/** Listings that one session holds open between pages. */
export const LISTS_MAX = 16;

/** What the names in these listings take; above it the oldest end. A directory of a million names is listed, many such at once are not. */
export const LISTED_BYTES_MAX = 4 * MIB;

/** Chunk digests of files that were sent or uploaded not long ago: 32 bytes for 8 MiB, so these are of some terabytes. */
export const DIGEST_MEMORY_BYTES_MAX = 16 * MIB;

/** A file that has changed less than this before it was read may change again within one tick of the file system's clock, and look the same. */
export const SETTLED_MS = 2000;

/** Pages of listings and digests of one session that are worked on, none while so many bytes wait for a slow reader: each can be a body, and to make one leaves several times as much behind to be collected. */
export const PAGES_MAX = 4;
export const PAGES_QUEUE_BYTES_MAX = 512 * KIB;

/** Pages of listings that all sessions together have under way: more at once come no sooner, and each leaves several times its bytes to be collected. */
export const LIST_PAGES_MAX = 8;

/** Accounts in one page of the operator's list: names of 32 bytes and eight numbers fit a body. */
export const USAGE_PAGE_ACCOUNTS_MAX = 4096;

/** Sessions in one page of the operator's list, which ends earlier behind the one with which it has so many bytes: that one can have as many again, and both fit a body. */
export const SESSIONS_PAGE_MAX = 1000;
export const SESSIONS_PAGE_BYTES = 384 * KIB;

/** What an operator tells those whose sessions end: a sentence or two. */
export const KICK_REASON_BYTES_MAX = 256;

/** Unfinished uploads in one page of their list: paths of full length fit a body. */
export const UPLOADS_PAGE_MAX = 200;

/** Findings of one check of one user: paths of full length fit a body; more of them are told by their number. */
export const FINDINGS_MAX = 200;

/** Chunk digests of one page: 4,096 times 34 bytes (a length and 32) fit a body and cover 32 GiB. */
export const DIGEST_PAGE_CHUNKS_MAX = 4096;

/** From TCP accept to sign-in: room for a person's password is made by the client, which connects after asking. */
export const SIGN_IN_MS_MAX = 15_000;

/** Wrong passwords on one connection; the fourth needs a new one. */
export const SIGN_IN_TRIES_MAX = 3;

/** A peer that was silent this long is asked whether it is there. */
export const PING_AFTER_MS = 20_000;

/** A peer that was silent this long, asked or not, is gone. Half-open peers must go within 90 s. */
export const SILENCE_MS_MAX = 60_000;

/** A peer that does not take its replies is not read (REPLY_QUEUE_BYTES_MAX), so that it cannot say that it is there: it is gone when it takes less than PROGRESS_BYTES_MIN in this time. */
export const WRITE_STALL_MS_MAX = 60_000;

/**
 * A peer that talks takes at least PROGRESS_BYTES_MIN of what waits for it in this time, and a
 * client with open transfers whose turn it is moves as much, over all of them: a rate that any
 * modem has. Long, because on a slow line systems hold megabytes that are on their way, and a
 * client that goes on with an upload first reads what it has of it. A session that has nothing
 * open stays for ever as long as it answers pings: that is how people use a shell, and sshd has
 * no such bound either. What it costs is bounded by the number of sessions.
 */
export const PROGRESS_MS_MAX = 600_000;

/**
 * Frames that carry nothing (pings, content of a few bytes, acknowledgements of as little,
 * requests that break the protocol) which a peer may send beyond those that carry something,
 * and how many more with each second. No work of ours makes a hundred of them.
 */
export const EMPTY_FRAMES_MAX = 10_000;
export const EMPTY_FRAMES_PER_SECOND = 100;

/** Content, or an acknowledgement of it, below this is next to nothing: its frame costs more than it carries. */
export const USEFUL_BYTES_MIN = 256;

/** After our FIN the peer has this long to close its side. */
export const CLOSE_MS_MAX = 3_000;

/** From a client's first SYN to the end of the TLS handshake. */
export const CONNECT_MS_MAX = 15_000;

/** How often deadlines of all connections are looked at. */
export const WATCH_EVERY_MS = 1_000;

/** A client whose content has stopped for this long loses its upload to another session of the same user. */
export const TAKEOVER_AFTER_MS = 4_000;

/** Connections that have not signed in, in all: strangers must not use up the descriptors; a class that begins at once behind one address fits. Where they are all taken a newcomer gets a place of the source that has most, so one source keeps nobody else out. */
export const UNSIGNED_SESSIONS_MAX = 256;

/** Percent of all sessions that one source gets unless `--max-per-source` says otherwise: a whole school may stand behind one address, and half is left for others. */
export const SOURCE_SESSIONS_PERCENT = 50;

/** Percent of all sessions that one user gets unless `--max-per-user` says otherwise: a class may share an account to hand work in, and three others get as much. */
export const USER_SESSIONS_PERCENT = 25;

/** What adds to a source's penalty, after OpenSSH's PerSourcePenalties: a failed sign-in, whether there is such an account or not; SIGN_IN_MS_MAX passed; gone without having tried. */
export const PENALTY_FAILED_MS = 5_000;
export const PENALTY_LATE_MS = 10_000;
export const PENALTY_IDLE_MS = 1_000;

/** The same for who only looked at the server's key, as every client does once: a class of 60 may at once, a flood may not. */
export const PENALTY_LOOK_MS = 200;

/** A source is shut out when its penalty reaches this: three failed sign-ins at once. */
export const PENALTY_MS_MIN = 15_000;

/** And no longer than this, however much it has done. */
export const PENALTY_MS_MAX = 600_000;

/** Penalties count twice as much after each so much of them, six failed sign-ins: some 25 of those in ten minutes, at whatever pace. */
export const PENALTY_DOUBLED_AFTER_MS = 30_000;

/** So long after the end of a penalty the next one does not begin anew. */
export const PENALTY_MEMORY_MS = 3_600_000;

/** Sources whose penalties are remembered, half of them IPv4 and half IPv6, of which a source costs nothing; the one that is free soonest is forgotten. */
export const PENALISED_SOURCES_MAX = 65_536;

/** A name that several sources have tried in turn is delayed for strangers: so long, doubled with each turn, and so long at most. */
export const NAME_DELAY_MS = 1_000;
export const NAME_DELAY_MS_MAX = 60_000;

/** After so many failures of strangers in a row a password signs in only from where the account was signed in to before; for so long. */
export const NAME_FAILURES_MAX = 100;
export const NAME_GUARDED_MS = 24 * 3_600_000;

/** Names whose failures are remembered, of accounts or not; the one with the fewest is forgotten. */
export const FAILED_NAMES_MAX = 65_536;

/** Sources from which one account was signed in to that are remembered; the one that was silent longest is forgotten. */
export const KNOWN_SOURCES_MAX = 32;

/** Refused connections that wait to be told why, in all, and of one source at once; then two of it each second. A command makes two. */
export const REFUSED_MAX = 64;
export const SOURCE_REFUSED_MAX = 32;
/** Connections to the operator's loopback port that have not shown its secret: commands show it at once, so more are strangers. */
export const OPERATORS_WAITING_MAX = 16;

/** Sessions unless `--max-sessions` says otherwise; also bounded by the descriptor limit. */
export const SESSIONS_MAX = 10_000;

/**
 * Descriptors that are never given to connections: database, log, accounts, standard
 * streams, and what some busy sessions need beyond their share. Sessions are admitted as
 * if each held two; one can hold its socket, TRANSFERS_MAX files and LISTS_MAX
 * directories. When many do, opening a file fails with IO_FAILED (EMFILE), a request's
 * error that passes; no session is lost, and the server goes on.
 */
export const RESERVED_DESCRIPTORS = 256;

/** With fewer than these there is no server: half of them are reserved instead, for itself and for REFUSED_MAX. */
export const DESCRIPTORS_MIN = 256;

/** Argon2id parameters accepted from a server or from accounts.toml, and what is used for new passwords (OWASP's recommendation). */
export const ARGON2_MEMORY_KIB_MIN = 8 * KIB;
export const ARGON2_MEMORY_KIB_MAX = 256 * KIB;
export const ARGON2_PASSES_MIN = 1;
export const ARGON2_PASSES_MAX = 10;
export const ARGON2_MEMORY_KIB = 19_456;
export const ARGON2_PASSES = 2;

/** A private key file: one key and its comment, with room to spare. */
export const KEY_FILE_BYTES_MAX = 64 * KIB;

/** Rounds of bcrypt that protect a key file: what ssh-keygen does, and what is not worth waiting for (half a minute). */
export const KEY_ROUNDS = 24;
export const KEY_ROUNDS_MAX = 2048;

/** Quota of an account that names none, when the server names none. */
export const QUOTA_BYTES_DEFAULT = 10 * 1024 * MIB;
export const QUOTA_FILES_DEFAULT = 1_000_000;

/** accounts.toml is read whole; ten thousand accounts fit many times. */
export const ACCOUNTS_FILE_BYTES_MAX = 64 * MIB;

/** Lists and inline tables in one another in accounts.toml: one list of keys is all there is. */
export const ACCOUNTS_NESTING_MAX = 4;

/** How often the server looks whether accounts.toml was changed: two looks must agree, and an edit acts within a second. */
export const ACCOUNTS_POLL_MS = 300;

/** And how soon again when a command wants to know that its change is in force: as an editor writes. */
export const ACCOUNTS_SETTLE_MS = 50;

/** Looks after which a file is taken that is another one each time: edits that follow one another hold none of them up for more than a second. */
export const ACCOUNTS_LOOKS_MAX = 3;

/** A command that edits accounts.toml waits so long for another one. */
export const LOCK_MS_MAX = 5_000;

/** On Windows a rename waits so long for those who have the replaced file open: scanners are done sooner, and people wait. */
export const RENAME_MS_MAX = 2_000;

/** Open transfers get so long when the server is told to stop, unless `--grace` says otherwise. */
export const GRACE_MS_DEFAULT = 30_000;

/** An unfinished upload that nobody touched for this long is dropped and its room given back, unless `--keep-unfinished` says otherwise. */
export const PART_AGE_MS_DEFAULT = 7 * 24 * 3_600_000;

/** Lines of the audit log that wait for a disk that is full; what comes on top of them is counted and lost. */
export const AUDIT_WAITING_BYTES_MAX = 4 * MIB;

/** How soon the audit log notices that its file was renamed or removed, and how often it tries a disk that was full. */
export const AUDIT_LOOK_MS = 1_000;

/** How often monitoring looks at sums of the state and at descriptors: as often as it is usually asked. */
export const VITALS_EVERY_MS = 15_000;

/** Disk that no upload gets which would take it: the database and the log go on where users cannot. */
export const DISK_RESERVE_BYTES = 4 * MIB;

/** A home that could not be counted, because the disk was full or failing, is tried again after this long. */
export const RECOUNT_AGAIN_MS = 10_000;

/** Requests for an account that wait for the operator, in all: what strangers can make the database keep. */
export const REGISTRATIONS_MAX = 1000;

/** Those of one source, an IPv4 address or the first half of an IPv6 one: a class behind one address fits. */
export const SOURCE_WAITING_MAX = 32;

/** Requests for an account that one source may send in an hour, however fast they are answered. */
export const REGISTRATIONS_HOUR_MAX = 64;

/** An account may change its own password so often in an hour: each change rewrites accounts.toml. */
export const RENEWALS_HOUR_MAX = 16;

/** Sources whose requests of the last hour are remembered; the one that was silent longest is forgotten. */
export const SOURCES_MAX = 10_000;

/** Requests about an account that one connection may send: who has more to ask comes again. */
export const REGISTRATION_CALLS_MAX = 8;

/** What a person says to the operator with a request, and the operator with a refusal: a sentence. */
export const NOTE_BYTES_MAX = 200;

/** A verifier as text, with the longest salt and the largest parameters. */
export const VERIFIER_BYTES_MAX = 256;

/** The ticket of a request and the code of an invite: 128 bits that nobody guesses. */
export const TICKET_BYTES = 16;

/** A request that the operator has not answered for this long is dropped. */
export const REGISTRATION_AGE_MS_MAX = 30 * 24 * 3_600_000;

/** An answer, or an invite that is closed, is kept so long for whoever asks, and so many of each. */
export const ANSWER_AGE_MS_MAX = 7 * 24 * 3_600_000;
export const ANSWERS_MAX = 1000;

/** Invites that are open at once: enough for a school, and they fit a body. */
export const INVITES_MAX = 1000;
export const INVITE_MS_DEFAULT = 7 * 24 * 3_600_000;

/** Whoever waits for the operator's answer asks again after so long, and after so long at most when many wait. */
export const ANSWER_AGAIN_MS_MIN = 2_000;
export const ANSWER_AGAIN_MS_MAX = 10_000;

/** A client waits so long for an answer that costs the server next to nothing, while nothing else comes either. */
export const ANSWER_MS_MAX = 60_000;

/** And so long for one that opens a transfer: an upload waits for the commit of the one before it, a file for its tape. */
export const OPENING_MS_MAX = 600_000;

/** A download of which nothing comes for this long has stalled, unless this side keeps it waiting. */
export const CONTENT_STALL_MS_MAX = 120_000;

/** The same for an upload whose window stays shut: on a slow line the system still holds megabytes that are on their way. */
export const WINDOW_STALL_MS_MAX = 600_000;

/** Less than this is no progress: a byte now and then would keep a client for ever. */
export const PROGRESS_BYTES_MIN = KIB;

/** A client does not wait longer than this because a server says so. */
export const RETRY_AFTER_MS_MAX = 60_000;

/** A command that has failed ends after this long, whatever is still open. */
export const EXIT_MS_MAX = 1_000;

/** Threads for file operations: several syncs may wait for the disk while reads go on. */
export const THREADS = 16;

/** Directories below directories in recursive work; deeper trees cannot be named within PATH_BYTES_MAX. */
export const TREE_DEPTH_MAX = 2048;

/** Lines of FTPX_HOME/bookmarks, which is read for each target, and characters of a name in it. */
export const BOOKMARKS_MAX = 1000;
export const BOOKMARK_NAME_CHARACTERS_MAX = 64;

/** What braces may make of one pattern: each alternative is looked for on its own. */
export const GLOB_ALTERNATIVES_MAX = 256;

/** Files and directories that one command of the client takes: their names are all held, and a hostile server could list for ever. */
export const TREE_ENTRIES_MAX = 2_000_000;

const RELATIONS: readonly [boolean, string][] = [
  [CONTENT_BYTES_MAX + 8 <= BODY_BYTES_MAX, "a content frame fits a body"],
  [CHUNK_BYTES % CONTENT_BYTES_MAX === 0, "content frames never straddle chunks"],
  [EAGER_BYTES_MAX <= WINDOW_BYTES_MIN, "eager content fits every window"],
  [CONTENT_BYTES_MAX <= WINDOW_BYTES_MIN, "a content frame fits every window"],
  [ACK_EVERY_BYTES * 2 <= WINDOW_BYTES, "acknowledgements come before the window is dry"],
  [SESSION_WINDOW_BYTES * 2 <= UNWRITTEN_BYTES_MAX, "one session alone is always read"],
  [DIGEST_PAGE_CHUNKS_MAX * 34 + 64 <= BODY_BYTES_MAX, "a page of digests fits a body"],
  [
    LIST_PAGE_ENTRIES_MAX * (NAME_BYTES_MAX * 4 + 32) <= BODY_BYTES_MAX,
    "a listing page fits a body",
  ],
  [
    USAGE_PAGE_ACCOUNTS_MAX * (2 + USER_BYTES_MAX + 7 * 8 + 5) + 64 <= BODY_BYTES_MAX,
    "a page of accounts fits a body",
  ],
  [UPLOADS_PAGE_MAX * (PATH_BYTES_MAX + 32) <= BODY_BYTES_MAX, "a page of uploads fits a body"],
  [
    2 * SESSIONS_PAGE_BYTES + 4 * PATH_BYTES_MAX <= BODY_BYTES_MAX,
    "a page of sessions fits a body",
  ],
  [KICK_REASON_BYTES_MAX <= TEXT_BYTES_MAX, "a reason fits an error"],
  [FINDINGS_MAX * (PATH_BYTES_MAX + 128) <= BODY_BYTES_MAX, "findings fit a body"],
  [
    REGISTRATIONS_MAX * (2 * USER_BYTES_MAX + NOTE_BYTES_MAX + 128) <= BODY_BYTES_MAX,
    "the requests that wait fit a body",
  ],
  [
    (INVITES_MAX + ANSWERS_MAX) * (2 * USER_BYTES_MAX + 128) <= BODY_BYTES_MAX,
    "the list of invites fits a body",
  ],
  [PENALTY_FAILED_MS * 3 >= PENALTY_MS_MIN, "three failed sign-ins at once shut a source out"],
  [2 * TREE_DEPTH_MAX > PATH_BYTES_MAX, "no path leads deeper than recursive work goes"],
  [PING_AFTER_MS < SILENCE_MS_MAX && SILENCE_MS_MAX < 90_000, "half-open peers go within 90 s"],
];

for (const [holds, relation] of RELATIONS) {
  if (!holds) throw new Error(`limits do not agree: ${relation}`);
}
