/**
 * The bill of materials of a release (CycloneDX 1.5): what each executable is made of, for
 * people who look up whether a flaw of a library reaches them.
 *
 * `npm sbom` lists the packages from package-lock.json. What it cannot know is added: the
 * executables, the runtime in each of them, and what that runtime is made of. What changes
 * from run to run is taken out, so that the same commit gives the same bytes.
 */
import { ran } from "./commands.ts";
import { lockedAt } from "./lock.ts";
import type { Lock } from "./lock.ts";
import type { Target } from "./targets.ts";

export interface Artifact {
  readonly target: Target;
  readonly fileName: string;
  readonly sha256: string;
}

/** What a release was made from; a tree that is no commit has neither. */
export interface Origin {
  readonly commit?: string;
  /** ISO 8601, of the commit or of SOURCE_DATE_EPOCH. */
  readonly timestamp?: string;
}

interface Hash {
  readonly alg: string;
  readonly content: string;
}

export interface Component {
  readonly "bom-ref": string;
  readonly type: string;
  readonly name: string;
  readonly version?: string;
  readonly purl?: string;
  readonly hashes?: readonly Hash[];
  readonly licenses?: readonly unknown[];
  readonly components?: readonly Component[];
}

interface Dependency {
  readonly ref: string;
  readonly dependsOn: readonly string[];
}

export interface Bill {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly metadata: { readonly component: Component; readonly [field: string]: unknown };
  readonly components: readonly Component[];
  readonly dependencies: readonly Dependency[];
}

/** Names of `process.versions` that are claims of compatibility, tools, or Bun itself. */
const NO_PARTS = new Set("bun node openssl v8 uv napi modules unicode typescript zig".split(" "));

/** What npm says of the packages in the staged folder that are not for development. */
export async function billOfNpm(staged: string): Promise<Bill> {
  const options = ["--package-lock-only", "--omit=dev", "--sbom-type=application"];
  const text = await ran(["npm", "sbom", "--sbom-format=cyclonedx", ...options], { cwd: staged });
  return JSON.parse(text) as Bill;
}

/**
 * @param parts What the runtime is made of: `process.versions` of the Bun that compiles, which is
 *              built from the same sources as those of the other machines.
 */
export function completeBill(
  bill: Bill,
  artifacts: readonly Artifact[],
  lock: Lock,
  origin: Origin,
  parts: Readonly<Record<string, string | undefined>>,
): Bill {
  const program = bill.metadata.component;
  const runtimes = artifacts.map(({ target }) => runtimeOf(target, lock, parts));
  const content = {
    ...bill,
    metadata: {
      ...(origin.timestamp !== undefined && { timestamp: origin.timestamp }),
      lifecycles: [{ phase: "build" }],
      tools: [{ vendor: "npm", name: "cli" }],
      component: {
        ...program,
        // npm calls it by the folder that it lies in.
        name: "ftpx",
        ...(origin.commit !== undefined && { pedigree: { commits: [{ uid: origin.commit }] } }),
        components: artifacts.map(artifactOf),
      },
    },
    components: [...bill.components, ...runtimes],
    dependencies: [
      ...bill.dependencies,
      ...artifacts.map(({ target, fileName }) => ({
        ref: fileName,
        dependsOn: [program["bom-ref"], refOf(target, lock)],
      })),
    ],
  };
  return { ...content, serialNumber: serialOf(JSON.stringify({ ...content, serialNumber: "" })) };
}

function artifactOf({ fileName, sha256 }: Artifact): Component {
  const hashes = [{ alg: "SHA-256", content: sha256 }];
  return { "bom-ref": fileName, type: "file", name: fileName, hashes };
}

function refOf(target: Target, lock: Lock): string {
  return `@oven/${target.runtime}@${lockedAt(lock, placeOf(target)).version}`;
}

function placeOf(target: Target): string {
  return `node_modules/@oven/${target.runtime}`;
}

function runtimeOf(
  target: Target,
  lock: Lock,
  parts: Readonly<Record<string, string | undefined>>,
): Component {
  const { version, integrity } = lockedAt(lock, placeOf(target));
  const ref = refOf(target, lock);
  const content = Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex");
  const inside = Object.entries(parts).filter(([name]) => !NO_PARTS.has(name));
  return {
    "bom-ref": ref,
    type: "framework",
    name: `@oven/${target.runtime}`,
    version,
    purl: `pkg:npm/%40oven/${target.runtime}@${version}`,
    hashes: [{ alg: "SHA-512", content }],
    licenses: [{ license: { id: "MIT" } }],
    components: inside
      .map(([name, partVersion = ""]) => ({
        "bom-ref": `${ref}/${name}`,
        type: "library",
        name,
        version: partVersion,
      }))
      .toSorted((one, other) => (one.name < other.name ? -1 : 1)),
  };
}

/** A UUID of version 8 (RFC 9562): what it is made of is ours to say, here the content. */
function serialOf(content: string): string {
  const hex = new Bun.CryptoHasher("sha256").update(content).digest("hex");
  const variant = "89ab"[Number.parseInt(hex.slice(16, 17), 16) % 4];
  const fields = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`];
  return `urn:uuid:${[...fields, `${variant}${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-")}`;
}
