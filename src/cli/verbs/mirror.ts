/**
 * Makes one tree like another: walks both, plans (client/plan.ts), sends what differs, and
 * removes what is too much only when everything before that has succeeded. What takes the
 * place of something of another kind is put together beside it first, all of it.
 *
 * The source is read before anything is touched; when it cannot be, nothing is. Only what was
 * seen and planned is removed, one by one: a directory that has got something new meanwhile
 * is not empty, and stays.
 */
import { join } from "node:path";
import { FtpxError } from "../../base/errors.ts";
import { resolvePath } from "../../base/path.ts";
import type { VirtualPath } from "../../base/path.ts";
import { levelsOf, relativeTo } from "../../client/foliage.ts";
import type { TreeEntry, TreeFilter } from "../../client/foliage.ts";
import { isLate, isSameTime, planSync } from "../../client/plan.ts";
import { stagedBeside } from "../../client/partnames.ts";
import type { Plan } from "../../client/plan.ts";
import { ASKED_AT_ONCE, workThrough } from "../../client/queue.ts";
import { withoutSuccessors } from "../../client/successors.ts";
import { visible } from "../escaping.ts";
import { scanning } from "../scanning.ts";
import { tellSummary, tellWould } from "../summary.ts";
import { writeJson, writeNote } from "../terminal.ts";
import { findEqual } from "./comparison.ts";
import { runCopies } from "./jobs.ts";
import type { CopySettings, CopyTask, Outcome } from "./jobs.ts";
import { attempt, roomHere, roomThere } from "./rehearsal.ts";
import { HereSide, ThereSide } from "./sides.ts";
import type { Side } from "./sides.ts";
import { Tally } from "./tally.ts";
import type { Stage } from "./verb.ts";

export interface MirrorWish {
  readonly path: VirtualPath;
  readonly local: string;
  /** From here to the server. */
  readonly isSending: boolean;
  readonly isDeleting: boolean;
  readonly isByContent: boolean;
  readonly isDry: boolean;
  readonly isWanted: TreeFilter | undefined;
  readonly settings: CopySettings;
  /** Of a directory that is put together beside its place: what it is called there. */
  readonly place?: { readonly relative: string; readonly name: string };
}

/** @returns the worst status @throws FtpxError NO_LOCAL_FILE, NO_SUCH_PATH, INTERRUPTED, … */
export async function runMirror(stage: Stage, wish: MirrorWish): Promise<number> {
  const mirror = new Mirror(stage, wish);
  const plan = await mirror.plan();
  if (wish.isDry) await mirror.rehearse(plan);
  else await mirror.perform(plan);
  return mirror.tell(plan);
}

class Mirror {
  readonly #stage: Stage;
  readonly #wish: MirrorWish;
  readonly #source: Side;
  readonly #target: Side;
  readonly #startedMs = performance.now();
  readonly #tally: Tally;
  /** For a rehearsal: what the target has, by its path. */
  readonly #there = new Map<string, TreeEntry>();
  #doneCount = 0;
  #deletedCount = 0;
  #movedBytes = 0;
  #isEnded = false;

  constructor(stage: Stage, wish: MirrorWish) {
    this.#stage = stage;
    this.#wish = wish;
    this.#tally = new Tally(stage.isJson);
    const here = new HereSide(wish.local);
    const there = new ThereSide(stage, wish.path);
    [this.#source, this.#target] = wish.isSending ? [here, there] : [there, here];
  }

  /** Both trees, compared. What could not be looked at is told. */
  async plan(): Promise<Plan> {
    const { isWanted, isDeleting, isByContent, isSending } = this.#wish;
    return await scanning(this.#stage.isJson, async (onFound) => {
      const { signal } = this.#stage;
      const rules = isWanted === undefined ? {} : { isWanted };
      const isStrict = !isSending;
      const source = await this.#source.walk({ signal, ...rules, onFound }, isStrict);
      if (source === undefined) throw this.#source.missing();
      const hasSuccessors = isDeleting;
      const target = await this.#target.walk({ signal, ...rules, hasSuccessors }, isStrict);
      for (const { path, error } of [...source.failures, ...(target?.failures ?? [])]) {
        this.#tally.failed(path, error);
      }
      const there = target?.entries ?? [];
      if (this.#wish.isDry) for (const entry of there) this.#there.set(entry.relative, entry);
      const isSame = isByContent
        ? await this.#equalByContent(source.entries, there)
        : await this.#equalByTime();
      const guarded = target?.guarded ?? new Set<string>();
      const plan = planSync(source.entries, there, guarded, { isDeleting, isSame });
      return { ...plan, deleted: withoutSuccessors(plan, isWanted) };
    });
  }

  /** Says what would be done. */
  async rehearse(plan: Plan): Promise<void> {
    const { isJson } = this.#stage;
    const { isSending, local } = this.#wish;
    this.#tellOdd(plan);
    const room = isSending ? await roomThere(this.#stage) : await roomHere(local);
    const fits = ({ relative, kind, bytes }: TreeEntry): boolean => {
      const path = this.#target.name(relative);
      const found = this.#there.get(relative);
      const replacedBytes = found?.kind === "file" && kind === "file" ? found.bytes : undefined;
      return attempt(this.#tally, path, () => room?.take({ path, bytes, replacedBytes }));
    };
    const shown = ({ relative }: TreeEntry) => (isJson ? this.#target.name(relative) : relative);
    for (const entry of plan.directories) if (fits(entry)) tellWould(isJson, "make", shown(entry));
    const files = plan.files.filter(fits);
    for (const entry of files) tellWould(isJson, "copy", shown(entry), entry.bytes);
    this.#doneCount = files.length;
    this.#movedBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
    const gone = this.#isClean ? [...plan.replaced, ...plan.deleted] : [];
    for (const entry of gone) tellWould(isJson, "delete", shown(entry));
    this.#deletedCount = gone.length;
  }

  async perform(plan: Plan): Promise<void> {
    this.#tellOdd(plan);
    await this.#target.begin();
    await this.#send(plan);
    if (this.#isClean) await this.#stageSuccessors(plan);
    const tooMuch = plan.deleted.length + plan.replaced.length;
    if (this.#isClean) {
      await this.#replace(plan);
      if (this.#isClean) await this.#remove(plan.deleted);
    } else if (tooMuch > 0) {
      writeNote("ftpx: nothing was deleted, because not all was sent");
    }
    if (!this.#isEnded) await this.#target.finish();
  }

  get #isClean(): boolean {
    return !this.#isEnded && this.#tally.failedCount === 0;
  }

  /** @returns the worst status */
  tell(plan: Plan): number {
    // An event says that it is done.
    if (this.#isEnded && this.#stage.isJson) return this.#tally.status;
    tellSummary(this.#stage.isJson, {
      doneCount: this.#doneCount,
      sameCount: plan.sameCount,
      skippedCount: this.#tally.skippedCount,
      deletedCount: this.#deletedCount,
      failedCount: this.#tally.failedCount,
      movedBytes: this.#movedBytes,
      elapsedMs: performance.now() - this.#startedMs,
      isDry: this.#wish.isDry,
    });
    return this.#tally.status;
  }

  /** Makes directories, those of one depth together, and then sends files. */
  async #send(plan: Plan): Promise<void> {
    const isNow = ({ relative }: TreeEntry) => !isLate(plan, relative);
    const wanted = this.#target.directoriesOf(plan).filter(isNow);
    for (const level of levelsOf(wanted, ({ relative }) => relative)) {
      await workThrough(level, ASKED_AT_ONCE, (entry) =>
        this.#attempt(entry.relative, () => this.#target.makeDirectory(entry)),
      );
    }
    const files = plan.files
      .filter(isNow)
      .filter(({ relative }) => this.#target.hasPlace(relative));
    await this.#copy(this.#target.tasksOf(files, this.#source));
  }

  async #copy(tasks: readonly CopyTask[]): Promise<void> {
    if (tasks.length === 0) return;
    const placed = tasks.map((task) => this.#named(task));
    const outcome = await runCopies(this.#stage, placed, this.#wish.settings);
    this.#add(outcome);
  }

  #add({ status, failedCount, doneCount, movedBytes, isEnded }: Omit<Outcome, "elapsedMs">) {
    this.#tally.add({ status, failedCount });
    this.#doneCount += doneCount;
    this.#movedBytes += movedBytes;
    this.#isEnded ||= isEnded;
  }

  /** By the name that it will have. */
  #named(task: CopyTask): CopyTask {
    const { place } = this.#wish;
    if (place === undefined) return task;
    const { label } = task;
    const called = task.called === undefined ? {} : { called: `${place.name}/${label}` };
    return { ...task, label: `${place.relative}/${label}`, ...called };
  }

  /** What takes the place of something of another kind waits beside it until it is whole. */
  async #stageSuccessors(plan: Plan): Promise<void> {
    const isSuccessor = ({ relative }: TreeEntry) => plan.replacing.has(relative);
    const files = plan.files.filter(isSuccessor);
    await this.#copy(this.#target.tasksOf(files, this.#source, stagedBeside));
    for (const { relative } of plan.directories.filter(isSuccessor)) {
      if (!this.#isClean) return;
      await this.#attempt(relative, () => this.#stageDirectory(relative));
    }
  }

  /** A sync of its own, so that one which was interrupted is only finished. */
  async #stageDirectory(relative: string): Promise<void> {
    const { isSending, isWanted, path, local, place } = this.#wish;
    const staged = stagedBeside(relative);
    const kind = await this.#target.kindOf(staged);
    // A link there would have all that is behind it made like the source.
    if (kind !== undefined && kind !== "directory") {
      await this.#target.remove({ relative: staged, kind, bytes: 0, modifiedMs: 0 });
    }
    const [here, there] = isSending ? [relative, staged] : [staged, relative];
    const rules = isWanted && ((name: string, is: boolean) => isWanted(`${relative}/${name}`, is));
    const inner = new Mirror(this.#stage, {
      ...this.#wish,
      path: resolvePath(path, `./${there}`),
      local: join(local, here),
      isWanted: rules,
      place: {
        relative: relativeTo(place?.relative ?? "", relative),
        name: place === undefined ? this.#target.name(relative) : `${place.name}/${relative}`,
      },
    });
    const plan = await inner.plan();
    // What is left out was told when the whole was planned.
    await inner.perform({ ...plan, skipped: [] });
    const { status, failedCount } = inner.#tally;
    this.#add({
      status,
      failedCount,
      doneCount: inner.#doneCount,
      movedBytes: inner.#movedBytes,
      isEnded: inner.#isEnded,
    });
  }

  /** What stands in the way goes, and what waits beside it takes its place. */
  async #replace(plan: Plan): Promise<void> {
    const successors = [...plan.directories, ...plan.files].filter(({ relative }) =>
      plan.replacing.has(relative),
    );
    for (const successor of successors) {
      const { relative } = successor;
      const inTheWay = plan.replaced.filter(
        (entry) => entry.relative === relative || entry.relative.startsWith(`${relative}/`),
      );
      await this.#remove(inTheWay);
      // What could not be removed was told, and the successor goes on waiting.
      if (!this.#isClean) return;
      await this.#attempt(relative, () => this.#target.adopt(stagedBeside(relative), successor));
    }
  }

  /** Files first, then directories, the deepest first. */
  async #remove(entries: readonly TreeEntry[]): Promise<void> {
    const files = entries.filter(({ kind }) => kind !== "directory");
    await workThrough(files, ASKED_AT_ONCE, (entry) => this.#removeOne(entry));
    const directories = entries.filter(({ kind }) => kind === "directory");
    for (const level of levelsOf(directories, ({ relative }) => relative).toReversed()) {
      await workThrough(level, ASKED_AT_ONCE, (entry) => this.#removeOne(entry));
    }
  }

  async #removeOne(entry: TreeEntry): Promise<void> {
    const path = this.#target.name(entry.relative);
    await this.#attempt(entry.relative, async () => {
      await this.#target.remove(entry);
      this.#deletedCount += 1;
      if (this.#stage.isJson) writeJson({ event: "deleted", path });
      else writeNote(`deleted ${visible(entry.relative)}`);
    });
  }

  /** What has no place on the other side, or may not have it. */
  #tellOdd(plan: Plan): void {
    for (const { relative, kind } of plan.skipped) {
      this.#tally.skip(this.#source.name(relative), kind);
    }
    for (const { source, kind } of plan.conflicts) {
      const path = this.#target.name(source.relative);
      const details = { path, reason: NAMES[kind], expected: NAMES[source.kind] };
      this.#tally.failed(path, new FtpxError("WRONG_KIND", details));
    }
  }

  async #equalByContent(source: readonly TreeEntry[], target: readonly TreeEntry[]) {
    const { local, path } = this.#wish;
    const equal = await findEqual(this.#stage, { local, path }, source, target);
    return ({ relative }: TreeEntry) => equal.has(relative);
  }

  async #equalByTime() {
    const precisionMs = Math.max(
      await this.#source.precisionMs(),
      await this.#target.precisionMs(),
    );
    return (a: TreeEntry, b: TreeEntry) => isSameTime(a.modifiedMs, b.modifiedMs, precisionMs);
  }

  #attempt(relative: string, work: () => Promise<void>): Promise<void> {
    return this.#tally.attempt(this.#target.name(relative), work);
  }
}

const NAMES = {
  file: "file",
  directory: "directory",
  link: "symbolic link",
  other: "special file",
} as const;
