/**
 * THE TABLE of verbs: what a person can ask for, in the shell and in one command. Help,
 * completion and `ftpx help` follow from it.
 */
import { CD, LCD, LLS, LPWD, LS, PWD } from "./verbs/browse.ts";
import { GET, MGET, MPUT, PUT } from "./verbs/copies.ts";
import { CP } from "./verbs/clones.ts";
import { MKDIR, MV, RM, RMDIR } from "./verbs/edits.ts";
import { DIGEST, MD5, QUOTA, SHA256, STAT, WHOAMI } from "./verbs/facts.ts";
import { LOCAL } from "./verbs/local.ts";
import { CLEAR, HELP, HISTORY, QUIT } from "./verbs/manual.ts";
import { SYNC } from "./verbs/sync.ts";
import { UNFINISHED } from "./verbs/unfinished.ts";
import { PASSWD } from "./verbs/renew.ts";
import type { Verb } from "./verbs/verb.ts";

export const VERBS: readonly Verb[] = [
  HELP,
  LS,
  CD,
  PWD,
  GET,
  PUT,
  MGET,
  MPUT,
  SYNC,
  MKDIR,
  RM,
  RMDIR,
  CP,
  MV,
  STAT,
  MD5,
  SHA256,
  DIGEST,
  QUOTA,
  UNFINISHED,
  PASSWD,
  WHOAMI,
  LLS,
  LCD,
  LPWD,
  LOCAL,
  HISTORY,
  CLEAR,
  QUIT,
];
