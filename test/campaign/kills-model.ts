/**
 * What may be seen in the homes while clients and server are killed: for each path the
 * content that was acknowledged last, and for what was asked and not acknowledged either
 * what was before or what comes after, nothing in between.
 *
 * A step happens whole or not at all. It is open from the moment the command starts until
 * it is acknowledged, or until somebody looks while nothing is under way.
 */

/** The SHA-256 of a file in hex, or one of the two below. */
export type Content = string;
export const DIRECTORY = "directory";
export const ABSENT = "absent";

interface Change {
  readonly path: string;
  readonly content: Content;
}

export type Step = readonly Change[];

/** Everything in a home, by its path there. */
export type Seen = ReadonlyMap<string, Content>;

/** What one client has below its own directory; nobody else changes anything there. */
export class Tree {
  readonly root: string;
  readonly #known = new Map<string, Content>();
  readonly #open = new Set<Step>();

  constructor(root: string) {
    this.root = root;
    this.#known.set(root, DIRECTORY);
  }

  contentOf(path: string): Content {
    return this.#known.get(path) ?? ABSENT;
  }

  get paths(): string[] {
    return [...this.#known.keys()];
  }

  /** What stands below a directory. */
  below(path: string): string[] {
    return this.paths.filter((other) => other.startsWith(`${path}/`));
  }

  /** Whether nothing open is about this path, what is above it, or what is below it. */
  isFree(path: string): boolean {
    for (const step of this.#open) {
      for (const { path: other } of step) {
        if (isWithin(other, path) || isWithin(path, other)) return false;
      }
    }
    return true;
  }

  begin(steps: readonly Step[]): void {
    for (const step of steps) this.#open.add(step);
  }

  isOpen(step: Step): boolean {
    return this.#open.has(step);
  }

  /** The step was acknowledged, or is known in another way to have happened. */
  happened(step: Step): void {
    this.#open.delete(step);
    for (const { path, content } of step) {
      if (content === ABSENT) this.#known.delete(path);
      else this.#known.set(path, content);
    }
  }

  /** The step is over: what is seen says what it came to. @returns whether it changed anything */
  settle(step: Step, seen: Seen): boolean {
    const isChange = step.some(({ path, content }) => this.contentOf(path) !== content);
    const hasHappened = isSeen(step, seen);
    if (hasHappened) this.happened(step);
    this.#open.delete(step);
    return hasHappened && isChange;
  }

  /** What must be seen, where each open step is taken for what it looks like. */
  expected(seen: Seen): Map<string, Content> {
    const expected = new Map(this.#known);
    for (const step of this.#open) {
      if (!isSeen(step, seen)) continue;
      for (const { path, content } of step) {
        if (content === ABSENT) expected.delete(path);
        else expected.set(path, content);
      }
    }
    return expected;
  }
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

function isSeen(step: Step, seen: Seen): boolean {
  return step.every(({ path, content }) => (seen.get(path) ?? ABSENT) === content);
}

export interface Writing {
  readonly content: Content;
  readonly beganAt: number;
  endedAt: number;
  /** It is not asked for again. */
  isLeft: boolean;
}

/**
 * A path that several clients write at any time. A reader sees the content of a writing
 * that had begun, and after which no other one began and was acknowledged.
 */
export class Register {
  readonly path: string;
  #writings: Writing[] = [{ content: ABSENT, beganAt: -1, endedAt: -1, isLeft: false }];
  /** Begins and ends are numbered in the order in which they are heard of. */
  #clock = 0;

  constructor(path: string) {
    this.path = path;
  }

  now(): number {
    this.#clock += 1;
    return this.#clock;
  }

  begin(content: Content): Writing {
    const endedAt = Number.POSITIVE_INFINITY;
    const writing = { content, beganAt: this.now(), endedAt, isLeft: false };
    this.#writings.push(writing);
    return writing;
  }

  acknowledge(writing: Writing): void {
    writing.endedAt = this.now();
  }

  /** What a reader may have seen who began and ended at these times. */
  allowed(fromTime: number, toTime: number): Set<Content> {
    const over = this.#writings.filter(({ endedAt }) => endedAt < fromTime);
    const lastBegin = Math.max(-1, ...over.map(({ beganAt }) => beganAt));
    const fitting = this.#writings.filter(
      ({ beganAt, endedAt }) => beganAt < toTime && endedAt >= lastBegin,
    );
    return new Set(fitting.map(({ content }) => content));
  }

  /** Nothing is under way: what is seen is what there is. What was not left may still come. */
  settle(content: Content): void {
    const time = this.now();
    const due = this.#writings.filter(
      ({ endedAt, isLeft }) => endedAt === Number.POSITIVE_INFINITY && !isLeft,
    );
    this.#writings = [{ content, beganAt: time, endedAt: time, isLeft: false }, ...due];
  }
}

/** Which content was ever sent to which path of a home, moved or copied there. */
export class Versions {
  readonly #sent = new Map<string, Set<Content>>();

  add(path: string, content: Content): void {
    const known = this.#sent.get(path) ?? new Set();
    this.#sent.set(path, known.add(content));
  }

  move(from: string, to: string): void {
    for (const content of this.#sent.get(from) ?? []) this.add(to, content);
  }

  has(path: string, content: Content): boolean {
    return this.#sent.get(path)?.has(content) ?? false;
  }
}

export interface Finding {
  /** `partial`: what no client has ever sent there. `lost`: not what was acknowledged. */
  readonly kind: "partial" | "lost";
  readonly text: string;
}

/** All that may be in one home. */
export class HomeModel {
  readonly user: string;
  readonly trees: Tree[] = [];
  readonly register = new Register("/shared");
  readonly versions = new Versions();

  constructor(user: string) {
    this.user = user;
  }

  /** Files that are no whole version of anything; true at any moment, whatever is under way. */
  partial(seen: Seen): Finding[] {
    const findings: Finding[] = [];
    for (const [path, content] of seen) {
      if (content === DIRECTORY || this.versions.has(path, content)) continue;
      const text = `${this.user}${path}: ${content} is nothing that was sent there`;
      findings.push({ kind: "partial", text });
    }
    return findings;
  }

  /** What differs from what was acknowledged; to be asked when the server changes nothing. */
  judge(seen: Seen): Finding[] {
    const findings = this.partial(seen);
    const left = new Set(seen.keys());
    const differs = (path: string, content: Content, wanted: string) => {
      // What is no version at all has been told of.
      if (content !== ABSENT && content !== DIRECTORY && !this.versions.has(path, content)) return;
      const text = `${this.user}${path}: ${content} instead of ${wanted}`;
      findings.push({ kind: "lost", text });
    };
    for (const tree of this.trees) {
      for (const [path, wanted] of tree.expected(seen)) {
        const content = seen.get(path) ?? ABSENT;
        if (content !== wanted) differs(path, content, wanted);
        left.delete(path);
      }
    }
    const { register } = this;
    const time = register.now();
    const shared = seen.get(register.path) ?? ABSENT;
    const allowed = register.allowed(time, time);
    if (!allowed.has(shared)) differs(register.path, shared, [...allowed].join(" or "));
    left.delete(register.path);
    for (const path of left) differs(path, seen.get(path) ?? ABSENT, "nothing");
    return findings;
  }
}
