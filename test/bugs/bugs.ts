/**
 * V21: do the suites bite? Plants known bugs, each a failure of TESTING.md's table undone, in a
 * scratch copy of the tree, one after the other, and runs what is to find it.
 *
 *   bun test/bugs/bugs.ts [--seed N] [--count N] [--only WORDS] [--quick]
 *
 * A patch says in its first lines what the bug is and which command finds it. The command must
 * pass without the bug and fail with it. `--count` draws so many patches; all of them take about
 * a quarter of an hour. `--quick` leaves out those that only the executable shows, which take
 * minutes each.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { Chance, drawSeed } from "../support/chance.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const COMMAND_MS_MAX = 240_000;

interface Bug {
  readonly name: string;
  readonly file: string;
  readonly about: string;
  readonly command: string;
}

/** A copy of the tree as it is now, with one bug at a time. */
class Copy {
  readonly folder = mkdtempSync(join(tmpdir(), "ftpx-bugs-"));
  readonly #sound = new Map<string, Promise<boolean>>();

  async make(): Promise<void> {
    const { stdout } = await run(["git", "ls-files", "-co", "--exclude-standard"], ROOT);
    for (const name of stdout.split("\n")) {
      // Of the index, and removed from the folder.
      if (name === "" || !existsSync(join(ROOT, name))) continue;
      mkdirSync(join(this.folder, dirname(name)), { recursive: true });
      cpSync(join(ROOT, name), join(this.folder, name));
    }
    symlinkSync(join(ROOT, "node_modules"), join(this.folder, "node_modules"));
  }

  /** Whether the command passes as things are in the copy. */
  async passes(command: string): Promise<boolean> {
    if (needsExecutable(command)) {
      const built = await run(["npm", "run", "--silent", "build"], this.folder);
      if (built.status !== 0) throw new Error(`does not build: ${built.stderr}`);
    }
    return (await run(["sh", "-c", command], this.folder)).status === 0;
  }

  /** Without any bug; once for each command. */
  isSound(command: string): Promise<boolean> {
    const known = this.#sound.get(command) ?? this.passes(command);
    this.#sound.set(command, known);
    return known;
  }

  async patch(file: string, ...options: string[]): Promise<void> {
    const words = ["patch", "-p1", "-s", "--no-backup-if-mismatch", ...options, "-i", file];
    const { status, stdout } = await run(words, this.folder);
    if (status !== 0) throw new Error(`${file} does not fit: ${stdout}`);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function run(words: string[], cwd: string) {
  const env = { ...process.env, FTPX_BINARY: join(cwd, "dist/ftpx") };
  const child = Bun.spawn(words, {
    cwd,
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: COMMAND_MS_MAX,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { status, stdout, stderr };
}

function readBugs(only: string): Bug[] {
  const folder = join(ROOT, "test/bugs");
  const names = readdirSync(folder).filter(
    (name) => name.endsWith(".patch") && name.includes(only),
  );
  return names.toSorted().map((name) => {
    const file = join(folder, name);
    const [about = "", command = ""] = readFileSync(file, "utf8").split("\n");
    return { name: name.slice(0, -6), file, about, command: command.replace(/^Found by: /, "") };
  });
}

function needsExecutable(command: string): boolean {
  return /e2e|campaign|fuzz\/sessions/.test(command);
}

function draw(bugs: Bug[], count: number, chance: Chance): Bug[] {
  const left = [...bugs];
  const drawn: Bug[] = [];
  while (left.length > 0 && drawn.length < count)
    drawn.push(...left.splice(chance.below(left.length), 1));
  return drawn;
}

async function isCaught(copy: Copy, { file, command }: Bug): Promise<boolean> {
  await copy.patch(file);
  try {
    return !(await copy.passes(command));
  } finally {
    await copy.patch(file, "-R");
  }
}

async function main(): Promise<number> {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    options: { seed: text, count: text, only: text, quick: { type: "boolean" } },
  });
  const seed = Number(values.seed ?? drawSeed());
  const bugs = draw(
    readBugs(values.only ?? "").filter(
      ({ command }) => values.quick !== true || !needsExecutable(command),
    ),
    Number(values.count ?? Infinity),
    new Chance(seed),
  );
  console.error(`bugs: --seed ${seed}`);
  const copy = new Copy();
  const missed: string[] = [];
  try {
    await copy.make();
    for (const bug of bugs) {
      const isSound = await copy.isSound(bug.command);
      const isFound = isSound && (await isCaught(copy, bug));
      if (!isFound) missed.push(bug.name);
      const outcome = isFound ? "caught" : isSound ? "MISSED" : "MISSED, fails without it";
      console.error(`${outcome}: ${bug.name}: ${bug.about}`);
    }
  } finally {
    copy.remove();
  }
  const caught = bugs.length - missed.length;
  console.log(JSON.stringify({ campaign: "bugs", seed, planted: bugs.length, caught, missed }));
  return missed.length === 0 && bugs.length > 0 ? 0 : 1;
}

process.exit(await main());
