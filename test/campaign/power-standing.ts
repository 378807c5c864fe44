/**
 * What stands between two steps of the scenario: which files and folders were acknowledged,
 * which uploads are unfinished, which accounts there are. A step makes a new one of the old
 * one; none is ever changed.
 *
 * Removing is not promised to be durable: `rm` answers without a sync, so what was removed
 * may be back after a loss of power, with the content that it had. Those are the ghosts.
 */
export const FOLDER = "folder";

/** Account and path, as in `ann/docs/f`. */
type Path = string;

/** A SHA-256 in hex, or FOLDER. */
type Content = string;

/** A file that a client sends, and sends again until it is acknowledged. */
export interface Sending {
  readonly user: string;
  /** In the home. */
  readonly path: string;
  readonly local: string;
  readonly sha256: string;
}

export interface Facts {
  readonly entries: ReadonlyMap<Path, Content>;
  readonly ghosts: ReadonlyMap<Path, readonly Content[]>;
  /** By path: what was cut off and is to be sent once more. */
  readonly unfinished: ReadonlyMap<Path, Sending>;
  /** accounts.toml; nothing before there is one. */
  readonly accounts: string | undefined;
  readonly users: readonly string[];
  /** What a server has shown as its own. */
  readonly fingerprint: string | undefined;
}

const NOTHING: Facts = {
  entries: new Map(),
  ghosts: new Map(),
  unfinished: new Map(),
  accounts: undefined,
  users: [],
  fingerprint: undefined,
};

export class Standing {
  readonly facts: Facts;

  constructor(facts = NOTHING) {
    this.facts = facts;
  }

  with(changes: Partial<Facts>): Standing {
    return new Standing({ ...this.facts, ...changes });
  }

  /** It is acknowledged. */
  put(sending: Sending): Standing {
    const path = pathOf(sending);
    const unfinished = new Map(this.facts.unfinished);
    unfinished.delete(path);
    return this.with({
      entries: new Map(this.facts.entries).set(path, sending.sha256),
      unfinished,
    });
  }

  interrupt(sending: Sending): Standing {
    return this.with({ unfinished: new Map(this.facts.unfinished).set(pathOf(sending), sending) });
  }

  copy(from: Path, to: Path): Standing {
    const content = this.facts.entries.get(from) ?? "";
    return this.with({ entries: new Map(this.facts.entries).set(to, content) });
  }

  makeDirs(...paths: readonly Path[]): Standing {
    const made = paths.map((path) => [path, FOLDER] as const);
    return this.with({ entries: new Map([...this.facts.entries, ...made]) });
  }

  /** With all that is in it. What was removed from it before goes along, and may be back there. */
  move(from: Path, to: Path): Standing {
    const moved = (path: Path) => movedPath(path, from, to);
    const entries = new Map(this.facts.entries);
    for (const path of this.#within(from)) entries.delete(path);
    for (const path of this.#within(from))
      entries.set(moved(path), this.facts.entries.get(path) ?? "");
    const ghosts = new Map(this.facts.ghosts);
    for (const [path, contents] of this.facts.ghosts) addGhosts(ghosts, moved(path), contents);
    return this.with({ entries, ghosts });
  }

  remove(path: Path): Standing {
    const entries = new Map(this.facts.entries);
    const ghosts = new Map(this.facts.ghosts);
    for (const gone of this.#within(path)) {
      addGhosts(ghosts, gone, [this.facts.entries.get(gone) ?? ""]);
      entries.delete(gone);
    }
    return this.with({ entries, ghosts });
  }

  #within(path: Path): Path[] {
    return [...this.facts.entries.keys()].filter(
      (one) => one === path || one.startsWith(`${path}/`),
    );
  }
}

export function pathOf({ user, path }: Sending): Path {
  return `${user}/${path}`;
}

export function movedPath(path: Path, from: Path, to: Path): Path {
  return path === from || path.startsWith(`${from}/`) ? to + path.slice(from.length) : path;
}

function addGhosts(
  ghosts: Map<Path, readonly Content[]>,
  path: Path,
  contents: readonly Content[],
): void {
  ghosts.set(path, [...(ghosts.get(path) ?? []), ...contents]);
}
