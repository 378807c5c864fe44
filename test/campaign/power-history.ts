/**
 * A disk as a history: what programs did to the files below one folder, made of the system
 * calls that power-tracer.ts recorded. Changes of names, of content, and syncs stand in one
 * list in the order in which they ended; what of it survives a loss of power is
 * power-image.ts.
 *
 * A sync covers what had ended when it began. A call that the history does not know stops
 * the campaign, and so does a disk that in the end is not what the history says.
 */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bytesOfHex } from "./power-tracer.ts";
import type { Call, Entry, Traced } from "./power-tracer.ts";

/** A file or directory, whatever its names are. */
export interface Thing {
  readonly id: number;
  readonly isDirectory: boolean;
  readonly mode: number;
}

/** A name in a directory means another thing, or nothing any more. */
export interface NameChange {
  readonly directory: Thing;
  readonly name: string;
  readonly thing: Thing | undefined;
}

export type Operation =
  /** Atomic, as rename(2) is: all of the changes or none. `thing` is what got or lost a name. */
  | { readonly kind: "names"; readonly thing: Thing; readonly changes: readonly NameChange[] }
  | {
      readonly kind: "write";
      readonly thing: Thing;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: "resize"; readonly thing: Thing; readonly bytes: number }
  /** Covers the operations on the thing before `through`. */
  | { readonly kind: "sync"; readonly thing: Thing; readonly through: number };

/** When a call began. */
interface Beginning {
  /** So many operations had ended. */
  readonly position: number;
  readonly atMs: number;
}

/** Something that others could hear; not before it began to be said. */
export interface Mark extends Beginning {
  readonly program: Traced;
  /** Lines of JSON; nothing when it was encrypted. */
  readonly said: string | undefined;
}

interface Place {
  readonly directory: Thing;
  readonly name: string;
}

interface Opened {
  readonly thing: Thing;
  readonly isAppending: boolean;
  /** Where the next write without a position goes; nobody seeks. */
  offset: number;
}

const FOLDER_MODE = 0o755;

export class History {
  readonly operations: Operation[] = [];
  readonly marks: Mark[] = [];
  readonly root: Thing = { id: 0, isDirectory: true, mode: FOLDER_MODE };
  readonly #folder: string;
  readonly #sources: readonly Uint8Array[];
  readonly #names = new Map<Thing, Map<string, Thing>>();
  readonly #sizes = new Map<Thing, number>();
  readonly #opened = new Map<Traced, Map<number, Opened>>();
  #count = 1;

  /**
   * @param folder  what is outside of it is not looked at; empty when the record begins
   * @param sources where content comes from that the record shows only the beginning of
   */
  constructor(folder: string, sources: readonly Uint8Array[]) {
    this.#folder = folder;
    this.#sources = sources;
    this.#names.set(this.root, new Map());
  }

  /** @param records one of each program; they may have run at the same time */
  replay(records: readonly (readonly Entry[])[]): void {
    const begun = new Map<string, Beginning>();
    // Stable, so that the lines of one record stay in their order.
    for (const { atMs, thread, isEnd, call } of records
      .flat()
      .toSorted((a, b) => a.atMs - b.atMs)) {
      const beginning = { position: this.operations.length, atMs };
      if (!isEnd) begun.set(thread, beginning);
      else this.#apply(call, begun.get(thread) ?? beginning);
      if (isEnd) begun.delete(thread);
    }
  }

  /** In what the disk differs from the history; nothing when the record is whole. */
  differences(): string[] {
    return [...this.#compare(this.root, this.#folder)];
  }

  #apply(call: Call, begun: Beginning): void {
    if (call.result.startsWith("-") || call.result.startsWith("?")) return;
    if (FOREIGN.has(call.name)) refuse(call);
    if (call.name.startsWith("open") || call.name === "creat") return this.#open(call);
    if (call.name.includes("write") || call.name === "sendto") return this.#write(call, begun);
    const thing = this.#openedBy(call)?.thing;
    switch (call.name) {
      case "fsync":
      case "fdatasync":
        if (thing === undefined) return;
        this.operations.push({ kind: "sync", thing, through: begun.position });
        return;
      case "ftruncate":
        if (thing !== undefined) this.#resize(thing, lastNumber(call));
        return;
      default:
        return this.#rename(call);
    }
  }

  #open({ program, args, result }: Call): void {
    const fd = Number.parseInt(result, 10);
    const opened = this.#opened.get(program) ?? new Map<number, Opened>();
    this.#opened.set(program, opened);
    opened.delete(fd);
    const path = pathIn(result);
    if (path === undefined || !this.#isInside(path)) return;
    const place = this.#placeOf(path);
    let thing = place === undefined ? this.root : this.#find(place);
    if (thing === undefined && place !== undefined) {
      if (!args.includes("O_CREAT")) throw new Error(`opened, and never made: ${path}`);
      thing = this.#make(place, false, lastNumber({ args }, 8));
    }
    if (thing === undefined) return;
    if (args.includes("O_TRUNC")) this.#resize(thing, 0);
    opened.set(fd, { thing, isAppending: args.includes("O_APPEND"), offset: 0 });
  }

  #write(call: Call, begun: Beginning): void {
    const { program, args, name, result } = call;
    const opened = this.#openedBy(call);
    const count = Number.parseInt(result, 10);
    if (opened === undefined) {
      const [piece] = piecesOf(args);
      const text = piece?.shown.toString("latin1") ?? "";
      const isSaid = text.startsWith("{");
      // Other writes are those of threads that wake each other.
      if (!isSaid && name !== "sendto") return;
      this.marks.push({ ...begun, program, said: isSaid ? text : undefined });
      return;
    }
    const { thing, isAppending } = opened;
    const size = this.#sizes.get(thing) ?? 0;
    const isPlaced = name.startsWith("p");
    // Linux appends whatever position is given.
    const offset = isAppending ? size : isPlaced ? lastNumber(call) : opened.offset;
    if (!isPlaced) opened.offset += count;
    const bytes = this.#content(piecesOf(args), offset).subarray(0, count);
    this.operations.push({ kind: "write", thing, offset, bytes });
    this.#sizes.set(thing, Math.max(size, offset + count));
  }

  /** What was written, completed from the sources. */
  #content(pieces: readonly Piece[], offset: number): Buffer {
    let at = offset;
    const whole = pieces.map(({ shown, bytes }) => {
      const from = at;
      at += bytes;
      if (shown.byteLength === bytes) return shown;
      const source = this.#sources.find((one) =>
        shown.equals(one.subarray(from, from + shown.byteLength)),
      );
      if (source === undefined) throw new Error(`content that comes from nowhere, at ${from}`);
      return source.subarray(from, from + bytes);
    });
    return Buffer.concat(whole);
  }

  #rename(call: Call): void {
    const places = this.#placesOf(call);
    const [from, to] = places;
    if (from === undefined) return;
    if (call.name.startsWith("mkdir")) {
      this.#make(from, true, lastNumber(call, 8));
      return;
    }
    const thing = this.#find(from);
    if (thing === undefined) {
      // Sockets are not recorded.
      if (call.name === "unlink") return;
      refuse(call);
    }
    const changes: NameChange[] = [{ ...from, thing: undefined }];
    if (call.name.startsWith("rename")) {
      if (to === undefined || call.args.includes("RENAME_EXCHANGE")) refuse(call);
      changes.push({ ...to, thing });
    }
    this.#change(thing, changes);
  }

  #make(place: Place, isDirectory: boolean, mode: number): Thing {
    const thing: Thing = { id: this.#count, isDirectory, mode };
    this.#count += 1;
    if (isDirectory) this.#names.set(thing, new Map());
    this.#change(thing, [{ ...place, thing }]);
    return thing;
  }

  #change(thing: Thing, changes: readonly NameChange[]): void {
    this.operations.push({ kind: "names", thing, changes });
    applyNames(this.#names, changes);
  }

  #resize(thing: Thing, bytes: number): void {
    this.operations.push({ kind: "resize", thing, bytes });
    this.#sizes.set(thing, bytes);
  }

  /** What the first argument is, when it is a file or directory below the folder. */
  #openedBy(call: Call): Opened | undefined {
    const path = pathIn(call.args);
    if (path === undefined || !this.#isInside(path)) return undefined;
    return this.#opened.get(call.program)?.get(Number.parseInt(call.args, 10)) ?? refuse(call);
  }

  #find({ directory, name }: Place): Thing | undefined {
    return this.#names.get(directory)?.get(name);
  }

  #isInside(path: string): boolean {
    return path === this.#folder || path.startsWith(`${this.#folder}/`);
  }

  /** The places that a call names, those outside left out. */
  #placesOf({ program, args }: Call): Place[] {
    const places: Place[] = [];
    for (const [, fd, hex = ""] of args.matchAll(PATH_ARGUMENT)) {
      const path = bytesOfHex(hex).toString();
      const [, through, rest] = PROC_PATH.exec(path) ?? [];
      const number = through ?? (path.startsWith("/") ? undefined : fd);
      const name = rest ?? path;
      const place =
        number === undefined
          ? this.#placeOf(path)
          : this.#placeBelow(this.#opened.get(program)?.get(Number(number))?.thing, name);
      if (place !== undefined) places.push(place);
    }
    return places;
  }

  #placeOf(path: string): Place | undefined {
    if (!path.startsWith(`${this.#folder}/`)) return undefined;
    return this.#placeBelow(this.root, path.slice(this.#folder.length + 1));
  }

  #placeBelow(start: Thing | undefined, path: string): Place | undefined {
    const names = path.split("/");
    const name = names.pop() ?? "";
    const directory = names.reduce<Thing | undefined>(
      (above, next) => (above === undefined ? above : this.#find({ directory: above, name: next })),
      start,
    );
    return directory === undefined ? undefined : { directory, name };
  }

  *#compare(directory: Thing, path: string): Generator<string> {
    const names = this.#names.get(directory) ?? new Map<string, Thing>();
    const found = readdirSync(path, { withFileTypes: true }).filter((entry) => !entry.isSocket());
    for (const { name } of found) if (!names.has(name)) yield `not in the record: ${path}/${name}`;
    for (const [name, thing] of names) {
      const at = join(path, name);
      const stats = lstatSync(at, { throwIfNoEntry: false });
      if (stats === undefined) yield `only in the record: ${at}`;
      else if (thing.isDirectory) yield* this.#compare(thing, at);
      else if (!readFileSync(at).equals(this.#contentOf(thing))) yield `other content: ${at}`;
    }
  }

  #contentOf(thing: Thing): Buffer {
    const content = Buffer.alloc(this.#sizes.get(thing) ?? 0);
    for (const operation of this.operations) {
      if (operation.thing !== thing) continue;
      if (operation.kind === "write")
        content.set(
          operation.bytes.subarray(0, Math.max(0, content.byteLength - operation.offset)),
          operation.offset,
        );
      else if (operation.kind === "resize") content.fill(0, operation.bytes);
    }
    return content;
  }
}

/** The names as they are after some changes. */
export function applyNames(
  names: Map<Thing, Map<string, Thing>>,
  changes: readonly NameChange[],
): void {
  for (const { directory, name, thing } of changes) {
    const entries = names.get(directory) ?? new Map<string, Thing>();
    names.set(directory, entries);
    if (thing === undefined) entries.delete(name);
    else entries.set(name, thing);
  }
}

interface Piece {
  readonly shown: Buffer<ArrayBuffer>;
  readonly bytes: number;
}

/** Calls that change files in a way that is not replayed. */
const FOREIGN = new Set(
  [
    ["link", "linkat", "symlink", "symlinkat", "truncate", "fallocate", "copy_file_range"],
    ["sendfile", "splice", "sync_file_range", "sync", "syncfs", "io_uring_setup"],
  ].flat(),
);

const HEX = String.raw`((?:\\x[0-9a-f]{2})*)`;
const PATH_ARGUMENT = new RegExp(`(?:(\\d+)(?:<[^>]*>)?, )?"${HEX}"`, "g");
const PROC_PATH = /^\/proc\/self\/fd\/(\d+)\/(.+)$/;
const FD_PATH = new RegExp(`^-?\\w+<${HEX}>`);
const VECTOR_PIECE = new RegExp(`iov_base="${HEX}"(?:\\.\\.\\.)?, iov_len=(\\d+)`, "g");
const BUFFER_PIECE = new RegExp(`"${HEX}"(?:\\.\\.\\.)?, (\\d+)`);

/** What strace says that a descriptor is. */
function pathIn(text: string): string | undefined {
  const hex = FD_PATH.exec(text)?.[1];
  return hex === undefined ? undefined : bytesOfHex(hex).toString();
}

function piecesOf(args: string): Piece[] {
  const vector = [...args.matchAll(VECTOR_PIECE)];
  const single = BUFFER_PIECE.exec(args);
  const found = vector.length === 0 && single !== null ? [single] : vector;
  return found.map(([, hex = "", bytes = ""]) => ({
    shown: bytesOfHex(hex),
    bytes: Number(bytes),
  }));
}

function lastNumber({ args }: Pick<Call, "args">, radix = 10): number {
  return Number.parseInt(/(\d+)\)?$/.exec(args)?.[1] ?? "", radix);
}

function refuse({ name, args }: Call): never {
  throw new Error(`a call that the history does not know: ${name}(${args.slice(0, 300)}`);
}
