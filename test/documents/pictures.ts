/**
 * The README's pictures: real sessions of dist/ftpx in a real terminal, one after the other on
 * one server, as SVG in packaging/pictures.
 *
 *   npm run build && npm run pictures
 */
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BINARY, makeFile } from "../e2e/binary.ts";
import { Screen } from "../e2e/screen.ts";
import { pictureOf } from "./svg.ts";

const MIB = 1024 * 1024;
const COLUMNS = 118;
const ADDRESS = "127.0.0.1:9999";
const TARGET = new URL("../../packaging/pictures/", import.meta.url).pathname;

/** A picture that is larger is no picture of a README. */
const BYTES_MAX = 200_000;

class Studio {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Studio> {
    const folder = await mkdtemp(join(tmpdir(), "ftpx-pictures-"));
    await mkdir(join(folder, "bin"));
    await symlink(BINARY, join(folder, "bin/ftpx"));
    await mkdir(join(folder, "photos/lake"), { recursive: true });
    for (let index = 1; index <= 5; index += 1) {
      makeFile(join(folder, `photos/lake/${index}.jpg`), (3 + 2 * index) * MIB, index);
    }
    makeFile(join(folder, "film.mkv"), 180 * MIB, 10);
    makeFile(join(folder, "my file (1).iso"), 90 * MIB, 11);
    return new Studio(folder);
  }

  /** A person at a prompt: their own settings, and a password that nobody has to type. */
  async person(name: string, rows: number): Promise<Screen> {
    const { folder } = this;
    const settings = `FTPX_HOME=${folder}/home-${name} FTPX_DATA=${folder}/data FTPX_PASSWORD=secret`;
    const env = `env -i PATH="${folder}/bin:$PATH" TERM=xterm HOME=${folder} ${settings} PS1='$ '`;
    const screen = await Screen.run(`cd ${folder}; exec ${env} sh`, COLUMNS, rows);
    await screen.shows(/^\$/m);
    return screen;
  }

  async take(screen: Screen, name: string, title: string): Promise<void> {
    const text = (await screen.painted(true))
      .replaceAll(this.folder, "/srv/ftpx")
      // Who makes pictures as root sees a warning that readers will not see.
      .replace(/^ftpx: running as root.*\n/m, "");
    const picture = pictureOf(text, title, COLUMNS);
    if (picture.length > BYTES_MAX) throw new Error(`${name} has ${picture.length} bytes`);
    await Bun.write(join(TARGET, `${name}.svg`), picture);
  }

  async close(): Promise<void> {
    await Screen.closeAll();
    await rm(this.folder, { recursive: true });
  }
}

async function line(screen: Screen, text: string): Promise<void> {
  await screen.type("-l", "--", text);
  await screen.type("Enter");
}

async function takeAll(studio: Studio): Promise<void> {
  const operator = await studio.person("operator", 20);
  await line(operator, `ftpx useradd ann --quota '10 GiB' --data data`);
  await operator.shows("account ann created");
  await line(operator, "clear");
  const server = await studio.person("server", 40);
  await line(server, `ftpx serve --data data --listen ${ADDRESS}`);
  const shown = await server.shows(/#sha256:[\w-]{43}/);
  const fingerprint = /sha256:[\w-]{43}/.exec(shown)?.[0] ?? "";

  await takeTransfer(studio, fingerprint);
  await takeShell(studio);
  await takeOperator(studio, operator, fingerprint);
  await studio.take(server, "server", "ftpx serve");
  await line(operator, "clear; ftpx drain");
  await server.shows(/shutdown/);
}

async function takeTransfer(studio: Studio, fingerprint: string): Promise<void> {
  const ann = await studio.person("ann", 18);
  await line(ann, `ftpx put film.mkv 'ftpx://ann@${ADDRESS}/#${fingerprint}'`);
  await ann.shows(/film\.mkv {2}.*sha256/);
  await line(ann, "ftpx put -r photos ann@127.0.0.1 --limit 20M --jobs 3");
  await ann.shows(/2 of 5 files.*ETA/);
  await studio.take(ann, "transfer", "ftpx put");
  await ann.shows(/5 files.*\n\$/);
  await ann.close();
}

async function takeShell(studio: Studio): Promise<void> {
  const ann = await studio.person("ann", 24);
  await line(ann, "ftpx connect ann@127.0.0.1");
  await ann.shows(/free\)> *$/m);
  await line(ann, "ls -l");
  await ann.shows("photos");
  await ann.type("-l", "--", "put my");
  await ann.type("Tab");
  await ann.shows("my\\ file\\ (1).iso");
  await ann.type("-l", "--", "--limit 25M");
  await ann.type("Enter");
  await ann.shows(/[3-9]\d%/);
  await ann.type("C-c");
  await ann.shows("interrupted");
  await line(ann, "put my\\ file\\ (1).iso");
  await ann.shows(/iso {2}.*sha256/);
  await line(ann, "quota");
  await ann.shows("room left");
  await line(ann, "get photos/*/[1-3].jpg /tmp --dry-run");
  await ann.shows(/3\.jpg/);
  await studio.take(ann, "shell", "ftpx connect");
  await line(ann, "quit");
  await ann.close();
}

async function takeOperator(studio: Studio, operator: Screen, fingerprint: string) {
  const bob = await studio.person("bob", 18);
  const note = "--note 'Bob, third floor'";
  await line(bob, `ftpx register 'ftpx://bob@${ADDRESS}#${fingerprint}' ${note} --wait`);
  await bob.shows("asked for the account");
  await line(operator, "ftpx pending");
  await operator.shows(/Bob, third floor/);
  await line(operator, "ftpx approve bob --quota '5 GiB'");
  await operator.shows(/bob.*(?:approved|created)/);
  await bob.shows(/\n\$$/m);
  await line(bob, "ftpx get ann@127.0.0.1/nothing; clear");
  const ann = await studio.person("ann", 18);
  await line(ann, "ftpx get ann@127.0.0.1/film.mkv got.mkv --limit 20M");
  await ann.shows(/[2-9]\d%/);
  await line(operator, "ftpx who");
  await operator.shows(/film\.mkv/);
  await line(operator, "ftpx users");
  await operator.shows(/LAST SEEN[^]*bob[^]*\n\$/i);
  await studio.take(operator, "operator", "the operator's day");
  await ann.type("C-c");
  await ann.close();
  await bob.close();
}

const studio = await Studio.open();
try {
  await mkdir(TARGET, { recursive: true });
  await takeAll(studio);
} finally {
  await studio.close();
}
