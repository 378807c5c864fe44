/**
 * Which files a log says are stored: its uploads and copies, with what its renames and
 * removals made of them since.
 *
 * A path may have been uploaded many times, and the last upload may not have been told of:
 * any digest that was told for the path is right. A file is certain when nothing in the log
 * says that it may be gone. Lines without an event, which are somebody's own list of uploads,
 * say nothing of removals.
 */

export interface ToldFile {
  /** Those that were told for it, in their order; never empty. */
  readonly digests: readonly string[];
  readonly isCertain: boolean;
}

/** What lies at a path, and below it. */
interface Node {
  digests: string[];
  isCertain: boolean;
  readonly below: Map<string, Node>;
}

export class Retelling {
  readonly #homes = new Map<string, Node>();
  #lineCount = 0;

  /** Of uploads. */
  get lineCount(): number {
    return this.#lineCount;
  }

  /** Takes one line of JSON; what is none, or tells of something else, is left out. */
  read(line: string): void {
    const fields = parseFields(line);
    const text = (name: string) => textOf(fields[name]);
    const user = text("user");
    switch (text("event")) {
      case "transfer":
        if (text("direction") === "upload") this.#stored(user, text("path"), text("digest"), true);
        return;
      case "":
        this.#stored(user, text("path"), text("digest"), false);
        return;
      case "copy":
        this.#copied(user, text("from"), text("to"));
        return;
      case "move":
        this.#moved(user, text("from"), text("to"));
        return;
      case "remove":
        doubt(this.#find(user, text("path")));
        return;
      case "account-removed":
        doubt(this.#homes.get(text("name")));
    }
  }

  /** Each with a digest, by user and path. */
  *files(): Generator<ToldFile & { readonly user: string; readonly path: string }> {
    for (const [user, home] of this.#homes) {
      for (const [path, node] of filesBelow("", home)) yield { user, path, ...node };
    }
  }

  #stored(user: string, path: string, digest: string, isCertain: boolean): void {
    if (user === "" || digest === "" || !path.startsWith("/")) return;
    this.#lineCount += 1;
    const node = this.#make(user, path);
    node.digests.push(digest);
    node.isCertain ||= isCertain;
  }

  #copied(user: string, from: string, to: string): void {
    const source = this.#find(user, from);
    // What is copied from a file that the log does not know is as unknown.
    this.#detach(user, to);
    if (source === undefined || source.digests.length === 0) return;
    const target = this.#make(user, to);
    target.digests = [...source.digests];
    target.isCertain = true;
  }

  #moved(user: string, from: string, to: string): void {
    const node = this.#detach(user, from);
    this.#detach(user, to);
    if (node === undefined) return;
    const [parent, name] = this.#parentOf(user, to);
    parent.below.set(name, node);
  }

  #find(user: string, path: string): Node | undefined {
    let node = this.#homes.get(user);
    for (const name of namesOf(path)) node = node?.below.get(name);
    return node;
  }

  #make(user: string, path: string): Node {
    const [parent, name] = this.#parentOf(user, path);
    return childOf(parent, name);
  }

  #detach(user: string, path: string): Node | undefined {
    const node = this.#find(user, path);
    if (node === undefined || path === "/") return undefined;
    const [parent, name] = this.#parentOf(user, path);
    parent.below.delete(name);
    return node;
  }

  /** Made when it is not known. */
  #parentOf(user: string, path: string): [Node, string] {
    const names = namesOf(path);
    const name = names.pop() ?? "";
    let node = this.#homes.get(user);
    if (node === undefined) {
      node = newNode();
      this.#homes.set(user, node);
    }
    for (const directory of names) node = childOf(node, directory);
    return [node, name];
  }
}

function newNode(): Node {
  return { digests: [], isCertain: false, below: new Map() };
}

function childOf(node: Node, name: string): Node {
  let child = node.below.get(name);
  if (child === undefined) {
    child = newNode();
    node.below.set(name, child);
  }
  return child;
}

/** Some of it may be gone: a removal that fails halfway is told with what it was asked for. */
function doubt(node: Node | undefined): void {
  if (node === undefined) return;
  node.isCertain = false;
  for (const child of node.below.values()) doubt(child);
}

function* filesBelow(path: string, node: Node): Generator<[string, ToldFile]> {
  const { digests, isCertain } = node;
  if (digests.length > 0) yield [path, { digests, isCertain }];
  for (const [name, child] of node.below) yield* filesBelow(`${path}/${name}`, child);
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "");
}

function parseFields(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    // The last line of a log can be half of one.
    return {};
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
