/**
 * `ftpx check`: is what the server believes what there is? The ledger against the homes, the
 * journal against the parts, the database against itself, files against what clients were
 * told. It asks a running server, or looks by itself when none runs.
 */
import { isKind } from "../base/errors.ts";
import { formatCount } from "../base/units.ts";
import type { Finding as StateFinding } from "../vfs/findings.ts";
import { DATA, JSON_LINES } from "./args.ts";
import type { OptionsOf, Spec } from "./args.ts";
import { replaceDamagedState, withOffice } from "./office.ts";
import { unusableHomes } from "./ownership.ts";
import type { UnusableHome } from "./ownership.ts";
import { placeOf } from "./place.ts";
import type { Place } from "./place.ts";
import { writeJson, writeLine } from "./terminal.ts";
import { compareTold, readTold } from "./told.ts";
import type { Comparison, Differing, Missing } from "./told.ts";

const OPTIONS = {
  data: DATA,
  fix: { flags: "--fix", about: "repair what can be repaired without loss, and say what was done" },
  told: {
    flags: "--told <file>",
    about: "also compare files with the digests in a log of uploads, such as the audit log",
  },
  json: JSON_LINES,
} as const;

export const CHECK: Spec<typeof OPTIONS> = {
  name: "check",
  about: "Compares what the server believes with what is on the disk",
  usage: "",
  words: [0, 0],
  options: OPTIONS,
  examples: ["ftpx check", "ftpx check --fix", "ftpx check --told storage/.ftpx/audit.log"],
};

interface Outside<Kind> {
  readonly kind: Kind;
  readonly path: string;
  readonly isFixed: boolean;
}

/** Of the state, or one that is found from outside it. */
type Finding =
  | StateFinding
  | Outside<"database">
  | Outside<"leftover">
  | UnusableHome
  | Differing
  | Missing;

const NOTHING: Comparison = { findings: [], toldCount: 0, missingCount: 0 };

/** What is wrong and stays so: the content's proof failed. */
const DIFFERS_STATUS = 65;

export async function check(
  _words: readonly string[],
  options: OptionsOf<typeof OPTIONS>,
): Promise<number> {
  const place = placeOf(options.data);
  const { told: log } = options;
  const told = log === undefined ? undefined : await readTold(log);
  const directory = await place.openAccounts();
  const isJson = options.json === true;
  const findings: Finding[] = [];
  const add = (found: readonly Finding[]) => {
    findings.push(...found);
    for (const finding of found) show(finding, isJson);
  };
  const isFixing = options.fix === true;
  const users = [...directory.accounts.keys()];
  const unusable = await unusableHomes(place, users, isFixing);
  add(unusable);
  const shut = new Set(unusable.filter(({ isFixed }) => !isFixed).map(({ user }) => user));
  add(await checkLeftovers(place, isFixing));
  add(await checkDatabase(place, users, isFixing));
  let accountCount = 0;
  // A database that is damaged tells nothing of anybody.
  if (findings.every(({ kind, isFixed }) => kind !== "database" || isFixed)) {
    await withOffice(place, async (office) => {
      // Those too that never signed in, and those whose account is gone and whose files stayed.
      for (const user of new Set([...users, ...(await office.usages()).keys()])) {
        if (!shut.has(user)) add(await office.check(user, isFixing));
        accountCount += 1;
      }
      add(await office.check("", isFixing));
    });
  }
  const compared =
    told === undefined || log === undefined ? NOTHING : await compareTold(place, told, log);
  add(compared.findings);
  const lineCount = told?.lineCount ?? 0;
  const fixed = findings.filter(({ isFixed }) => isFixed).length;
  const counts = { accounts: accountCount, findings: findings.length, fixed };
  if (isJson)
    writeJson({
      event: "checked",
      ...counts,
      told: compared.toldCount,
      missing: compared.missingCount,
      lines: lineCount,
    });
  else writeLine(summaryOf(counts, compared, lineCount));
  return findings.length > fixed ? DIFFERS_STATUS : 0;
}

async function checkLeftovers(place: Place, isFixing: boolean): Promise<Finding[]> {
  const paths = isFixing ? await place.removeLeftovers() : await place.leftovers();
  return paths.map((path) => ({ kind: "leftover", path, isFixed: isFixing }));
}

async function checkDatabase(
  place: Place,
  users: readonly string[],
  isFixing: boolean,
): Promise<Finding[]> {
  try {
    await withOffice(place, (office) => office.verify());
    return [];
  } catch (error) {
    if (!isKind(error, "STATE_DAMAGED")) throw error;
    if (isFixing) await replaceDamagedState(place, users);
    return [{ kind: "database", path: place.stateFile, isFixed: isFixing }];
  }
}

function show(finding: Finding, isJson: boolean): void {
  const { kind, isFixed, ...rest } = finding;
  if (isJson) writeJson({ event: "finding", kind, fixed: isFixed, ...rest });
  else writeLine(`${textOf(finding)}${isFixed ? ` (${REPAIRS[kind]})` : ""}`);
}

const REPAIRS = {
  usage: "counted again",
  reservation: "put right",
  unsettled: "finished or taken back",
  "missing-part": "forgotten, its room is free again",
  "orphan-part": "removed",
  database: "set aside, a new one counts the homes",
  leftover: "removed",
  home: "given to the owner of storage/",
  content: "",
  missing: "",
} as const satisfies Record<Finding["kind"], string>;

function textOf(finding: Finding): string {
  const { path } = finding;
  if (finding.kind === "database") return `${path}: the database is damaged`;
  if (finding.kind === "leftover") return `${path}: left by a command that was killed`;
  if (finding.kind === "home") return `${finding.user}: ${path}: the server's user cannot use it`;
  if (finding.kind === "content") {
    const { user, expected, found } = finding;
    return `${user}: ${path}: told ${expected}, found ${found}`;
  }
  if (finding.kind === "missing") {
    const { user, expected } = finding;
    return `${user}: ${path}: told ${expected}, and not there, though nobody removed it`;
  }
  const { user, expectedBytes, expectedFiles, foundBytes, foundFiles } = finding;
  const expected = `${expectedBytes} bytes in ${expectedFiles} files`;
  const found = `${foundBytes} bytes in ${foundFiles} files`;
  const texts = {
    usage: `${user}: counted as used ${expected}, found ${found}`,
    reservation: `${user}: reserved ${expected}, unfinished uploads declare ${found}`,
    unsettled: `${user}: ${path}: the upload was not brought to its end`,
    "missing-part": `${user}: ${path}: the unfinished upload has no content`,
    "orphan-part": `${path}: content that belongs to no upload`,
  } as const satisfies Record<StateFinding["kind"], string>;
  return texts[finding.kind];
}

function summaryOf(
  { accounts, findings, fixed }: Record<"accounts" | "findings" | "fixed", number>,
  { toldCount, missingCount }: Comparison,
  lineCount: number,
): string {
  const wrong = `${formatCount(findings, "finding")}, ${fixed} repaired`;
  const what = findings === 0 ? "nothing wrong" : wrong;
  const lines = `told of in ${formatCount(lineCount, "line")}`;
  const compared = `, ${toldCount - missingCount} of ${formatCount(toldCount, "file")} ${lines} compared`;
  const files = toldCount === 0 ? "" : compared;
  return `${formatCount(accounts, "account")} checked${files}: ${what}`;
}
