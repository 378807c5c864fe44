/** Executables of a few pages, put together by hand from the papers of their formats. */

export const PROGRAM = "the program";
const PROGRAM_OFFSET = 4096;
const CODE_BYTES = 3 * 4096 + 100;
const SIGNATURE_BYTES = 64;

/** A header, segments of code, of the program and of the linker, and room for a signature. */
export function machO({ machine }: { readonly machine: number }): Uint8Array {
  const file = Buffer.alloc(CODE_BYTES + SIGNATURE_BYTES);
  for (let offset = 4096; offset < CODE_BYTES; offset += 1) file[offset] = offset % 251;
  file.writeUInt32LE(0xfeedfacf, 0);
  file.writeUInt32LE(machine, 4);
  file.writeUInt32LE(4, 16);
  let at = segment(file, 32, "__TEXT", 0, 4096);
  at = segment(file, at, "__BUN", PROGRAM_OFFSET, 4096, "__bun");
  at = segment(file, at, "__LINKEDIT", 8192, CODE_BYTES + SIGNATURE_BYTES - 8192);
  file.writeUInt32LE(0x1d, at);
  file.writeUInt32LE(16, at + 4);
  file.writeUInt32LE(CODE_BYTES, at + 8);
  file.writeUInt32LE(SIGNATURE_BYTES, at + 12);
  file.write(PROGRAM, PROGRAM_OFFSET);
  return file;
}

function segment(
  file: Buffer,
  at: number,
  name: string,
  offset: number,
  bytes: number,
  section?: string,
): number {
  const commandBytes = 72 + (section === undefined ? 0 : 80);
  file.writeUInt32LE(0x19, at);
  file.writeUInt32LE(commandBytes, at + 4);
  file.write(name, at + 8);
  file.writeBigUInt64LE(BigInt(bytes), at + 32);
  file.writeBigUInt64LE(BigInt(offset), at + 40);
  file.writeBigUInt64LE(BigInt(bytes), at + 48);
  file.writeUInt32LE(section === undefined ? 0 : 1, at + 64);
  if (section !== undefined) {
    file.write(section, at + 72);
    file.write(name, at + 88);
    file.writeBigUInt64LE(BigInt(PROGRAM.length), at + 112);
    file.writeUInt32LE(offset, at + 120);
  }
  return at + commandBytes;
}

/** The header of DOS, that of PE with 16 data directories, and one section. */
export function peFile({
  machine,
  certificateBytes = 0,
}: {
  readonly machine: number;
  readonly certificateBytes?: number;
}): Uint8Array {
  const file = Buffer.alloc(PROGRAM_OFFSET + 512);
  file.write("MZ", 0);
  file.writeUInt32LE(128, 0x3c);
  file.write("PE\0\0", 128, "latin1");
  file.writeUInt16LE(machine, 132);
  file.writeUInt16LE(1, 134);
  file.writeUInt16LE(240, 148);
  const certificates = 128 + 24 + 112 + 4 * 8;
  file.writeUInt32LE(certificateBytes > 0 ? PROGRAM_OFFSET + 256 : 0, certificates);
  file.writeUInt32LE(certificateBytes, certificates + 4);
  const section = 128 + 24 + 240;
  file.write(".bun", section);
  file.writeUInt32LE(PROGRAM.length, section + 8);
  file.writeUInt32LE(512, section + 16);
  file.writeUInt32LE(PROGRAM_OFFSET, section + 20);
  file.write(PROGRAM, PROGRAM_OFFSET);
  return file;
}
