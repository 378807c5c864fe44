/**
 * Reads the three formats of executables (ELF, Mach-O, PE) as far as a release has to know
 * them: for which machine a file is, and where the program lies that Bun has put into it.
 *
 * Little-endian files of 64 bits only, for there are no others. Offsets come from the
 * formats' own papers: elf(5), mach-o/loader.h, "PE Format".
 */

export interface Executable {
  readonly format: "ELF" | "Mach-O" | "PE";
  readonly machine: "x64" | "arm64" | "unknown";
  /** The loader that an ELF file asks for. */
  readonly interpreter?: string;
  /** The section with the compiled program; a bare Bun has a few bytes there, or none. */
  readonly program: Uint8Array;
  /** Where a Mach-O file has its signature, and a PE file its certificates. */
  readonly signature?: Span;
}

export interface Span {
  readonly offset: number;
  readonly bytes: number;
}

const NOTHING: Uint8Array = new Uint8Array();

const PT_INTERP = 3;
const ELF_MACHINES = new Map<number, Executable["machine"]>([
  [62, "x64"],
  [183, "arm64"],
]);

const MACHO_MACHINES = new Map<number, Executable["machine"]>([
  [0x0100_0007, "x64"],
  [0x0100_000c, "arm64"],
]);

const PE_MACHINES = new Map<number, Executable["machine"]>([
  [0x8664, "x64"],
  [0xaa64, "arm64"],
]);

/** @throws Error when it is none of the three */
export function readExecutable(file: Uint8Array): Executable {
  const view = viewOf(file);
  const magic = view.getUint32(0, true);
  if (magic === 0x464c_457f) return readElf(file, view);
  if (magic === MACHO_MAGIC) return readMachO(file, view);
  if ((magic & 0xffff) === 0x5a4d) return readPe(file, view);
  throw new Error("neither ELF nor Mach-O nor PE");
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Text up to the first zero. */
export function textAt(file: Uint8Array, offset: number, bytesMax: number): string {
  const field = file.subarray(offset, offset + bytesMax);
  const end = field.indexOf(0);
  return Buffer.from(end < 0 ? field : field.subarray(0, end)).toString("latin1");
}

/** Offsets of 64 bits; files are far smaller than what a number holds exactly. */
export function offsetAt(view: DataView, offset: number): number {
  return Number(view.getBigUint64(offset, true));
}

function readElf(file: Uint8Array, view: DataView): Executable {
  const machine = ELF_MACHINES.get(view.getUint16(18, true)) ?? "unknown";
  const segments = offsetAt(view, 32);
  const segmentBytes = view.getUint16(54, true);
  let interpreter: string | undefined;
  for (let index = 0; index < view.getUint16(56, true); index += 1) {
    const at = segments + index * segmentBytes;
    if (view.getUint32(at, true) !== PT_INTERP) continue;
    interpreter = textAt(file, offsetAt(view, at + 8), offsetAt(view, at + 32));
  }
  const program = elfSection(file, view, ".bun");
  return { format: "ELF", machine, program, ...(interpreter !== undefined && { interpreter }) };
}

function elfSection(file: Uint8Array, view: DataView, wanted: string): Uint8Array {
  const sections = offsetAt(view, 40);
  const sectionBytes = view.getUint16(58, true);
  const names = offsetAt(view, sections + view.getUint16(62, true) * sectionBytes + 24);
  for (let index = 0; index < view.getUint16(60, true); index += 1) {
    const at = sections + index * sectionBytes;
    if (textAt(file, names + view.getUint32(at, true), 32) !== wanted) continue;
    const offset = offsetAt(view, at + 24);
    return file.subarray(offset, offset + offsetAt(view, at + 32));
  }
  return NOTHING;
}

export const MACHO_MAGIC = 0xfeed_facf;
export const MACHO_HEADER_BYTES = 32;
export const LC_SEGMENT_64 = 0x19;
export const LC_CODE_SIGNATURE = 0x1d;

/** The load commands of a Mach-O file: what each is, and where it begins. */
export function* machoCommands(view: DataView): Generator<{ kind: number; at: number }> {
  let at = MACHO_HEADER_BYTES;
  for (let left = view.getUint32(16, true); left > 0; left -= 1) {
    yield { kind: view.getUint32(at, true), at };
    at += view.getUint32(at + 4, true);
  }
}

function readMachO(file: Uint8Array, view: DataView): Executable {
  const machine = MACHO_MACHINES.get(view.getUint32(4, true)) ?? "unknown";
  let program = NOTHING;
  let signature: Span | undefined;
  for (const { kind, at } of machoCommands(view)) {
    if (kind === LC_SEGMENT_64) program = machoProgram(file, view, at) ?? program;
    if (kind !== LC_CODE_SIGNATURE) continue;
    signature = { offset: view.getUint32(at + 8, true), bytes: view.getUint32(at + 12, true) };
  }
  return { format: "Mach-O", machine, program, ...(signature !== undefined && { signature }) };
}

function machoProgram(file: Uint8Array, view: DataView, segment: number): Uint8Array | undefined {
  for (let index = 0; index < view.getUint32(segment + 64, true); index += 1) {
    const at = segment + 72 + index * 80;
    if (textAt(file, at, 16) !== "__bun" || textAt(file, at + 16, 16) !== "__BUN") continue;
    const offset = view.getUint32(at + 48, true);
    return file.subarray(offset, offset + offsetAt(view, at + 40));
  }
  return undefined;
}

function readPe(file: Uint8Array, view: DataView): Executable {
  const header = view.getUint32(0x3c, true);
  const machine = PE_MACHINES.get(view.getUint16(header + 4, true)) ?? "unknown";
  const optional = header + 24;
  // The fifth data directory is that of certificates, and the only one by offset in the file.
  const certificates = optional + 112 + 4 * 8;
  const signature = {
    offset: view.getUint32(certificates, true),
    bytes: view.getUint32(certificates + 4, true),
  };
  const sections = optional + view.getUint16(header + 20, true);
  let program = NOTHING;
  for (let index = 0; index < view.getUint16(header + 6, true); index += 1) {
    const at = sections + index * 40;
    if (textAt(file, at, 8) !== ".bun") continue;
    const offset = view.getUint32(at + 20, true);
    program = file.subarray(offset, offset + view.getUint32(at + 8, true));
  }
  return { format: "PE", machine, program, ...(signature.bytes > 0 && { signature }) };
}
