/**
 * How long a client waits for which answer of a server that is there, answers pings and does
 * nothing else; what is late is base/patience.ts's.
 *
 * What costs the server work in proportion to a file or a tree has no deadline; Ctrl-C ends it.
 */
import { ANSWER_MS_MAX, OPENING_MS_MAX } from "../base/limits.ts";
import type { Awaited } from "../base/patience.ts";
import type { CommandName } from "../commands/table.ts";

const DEADLINES: ReadonlyMap<CommandName, number> = new Map<CommandName, number>([
  ["hello", ANSWER_MS_MAX],
  ["scramFirst", ANSWER_MS_MAX],
  ["scramFinal", ANSWER_MS_MAX],
  ["keyFirst", ANSWER_MS_MAX],
  ["keyFinal", ANSWER_MS_MAX],
  ["passwordFirst", ANSWER_MS_MAX],
  ["register", ANSWER_MS_MAX],
  ["awaitRegistration", ANSWER_MS_MAX],
  ["list", ANSWER_MS_MAX],
  ["stat", ANSWER_MS_MAX],
  ["quota", ANSWER_MS_MAX],
  ["uploads", ANSWER_MS_MAX],
  ["openUpload", OPENING_MS_MAX],
  ["partDigests", OPENING_MS_MAX],
  ["rewind", OPENING_MS_MAX],
  ["openDownload", OPENING_MS_MAX],
]);

/** For an answer to this command, asked now. */
export function awaitedFor(name: CommandName): Awaited {
  return { msMax: DEADLINES.get(name) ?? Number.POSITIVE_INFINITY, sinceMs: performance.now() };
}
