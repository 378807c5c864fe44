/**
 * What one session of the fuzzer knows, so that it can ask for what there is: ids of its transfers,
 * versions, cursors. Shared by all sessions is only what they put: a few contents, by whose
 * digests every file that is ever found in a home is known.
 */
import { parsePath } from "../../src/base/path.ts";
import { SigningKey } from "../../src/base/signature.ts";
import type { Chance } from "../support/chance.ts";

/** Sizes around nothing, a piece, an acknowledgement. */
const SIZES = [0, 1, 2, 100, 4095, 4096, 70_000, 600_000] as const;

export interface Content {
  readonly bytes: Uint8Array;
  readonly digest: Uint8Array;
  readonly hex: string;
}

export const CONTENTS: readonly [Content, ...Content[]] = contentsOf(SIZES) as never;

const PATHS = ["/a", "/b", "/c", "/é", "/x y", "/\u{10feff}", "/d", "/d/a", "/d/e", "/d/e/f"];

/** Accounts of the fuzzer, each with what it may. */
export const FUZZERS = [
  { name: "f-one", access: "full" },
  { name: "f-two", access: "full" },
  { name: "f.look", access: "read-only" },
  { name: "f_give", access: "upload-only" },
] as const;

export const FUZZ_KEY = new SigningKey(new Uint8Array(32).fill(7));

export interface OpenUpload {
  readonly id: number;
  readonly content: Content;
  /** Where the next piece belongs. */
  offset: number;
}

/** Stands in every name that a session of that account makes: in no other home it is in place. */
export function markOf(user: string): string {
  return `~${user}`;
}

export class Memory {
  readonly user: string;
  readonly #chance: Chance;
  lastId = 0;
  readonly transfers: number[] = [];
  readonly uploads: OpenUpload[] = [];
  readonly versions: string[] = ["1.2.3.4"];
  readonly cursors: number[] = [0];
  nonce = new Uint8Array(32);

  constructor(chance: Chance) {
    this.#chance = chance;
    this.user = this.anyUser();
  }

  nextId(): number {
    this.lastId = Math.min(this.lastId + 1, 0xffff_ffff);
    return this.lastId;
  }

  /** Something for a field of this name; nothing where the sample's own will do. */
  valueFor(field: string): unknown {
    const chance = this.#chance;
    switch (field) {
      case "path":
      case "from":
      case "to":
      case "after":
        return this.path();
      case "transfer":
        return this.#any(this.transfers) ?? chance.below(5);
      case "version":
        return this.#any(this.versions);
      case "cursor":
        return this.#any(this.cursors);
      case "algorithm":
        return chance.pick(["sha256", "sha256", "sha256", "md5", "xxh128", "blake3"]);
      case "firstChunk":
      case "chunkCount":
      case "count":
        return chance.below(3);
      case "fromOffset":
      case "totalBytes":
        return chance.percent(50) ? 0 : chance.below(100_000);
      case "windowBytes":
        return chance.pick([0, 1, 4096, 2 ** 20, 2 ** 32 - 1]);
      case "isFixing":
      case "isRecursive":
      case "isDiscarded":
      case "withParents":
      case "isFresh":
      case "mayReplace":
        return chance.percent(50);
      case "ticket":
      case "invite":
        return chance.bytes(16);
      case "source":
        return new Uint8Array(32).fill(chance.below(2));
      default:
        return undefined;
    }
  }

  path(): string {
    return this.own(this.#any(PATHS) ?? "/a");
  }

  /** A path whose names all have the mark of the session's account. */
  own(path: string): string {
    return parsePath(path.replaceAll(/[^/]+/g, (name) => name + markOf(this.user)));
  }

  content(): Content {
    return this.#any(CONTENTS) ?? CONTENTS[0];
  }

  anyUser(): string {
    return this.#any(FUZZERS)?.name ?? "";
  }

  #any<Value>(values: readonly Value[]): Value | undefined {
    return values[this.#chance.below(values.length)];
  }
}

function contentsOf(sizes: readonly number[]): Content[] {
  return sizes.map((byteCount, index) => {
    const bytes = new Uint8Array(byteCount).fill(index + 1);
    const digest = new Uint8Array(new Bun.CryptoHasher("sha256").update(bytes).digest());
    return { bytes, digest, hex: Buffer.from(digest).toString("hex") };
  });
}
