/**
 * `ftpx service`: what it writes and removes, that systemd reads it as it was meant, and, where a
 * systemd can be started in namespaces of its own (root), the server as that unit runs it.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmod, copyFile, lstat, mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { jsonLines } from "../support/jsonlines.ts";
import { BINARY, Scene } from "./binary.ts";

const QUIET = { stdout: "ignore", stderr: "ignore" } as const;

/** Each character of it means something to systemd, to a shell, or to XML. */
const ODD = `a b%h"c\\d$HOME;'<&>é`;

let scene: Scene;

beforeEach(async () => {
  scene = await Scene.begin();
});

afterEach(() => scene.end());

async function service(...words: string[]) {
  return await scene.run(["service", ...words]);
}

function ran(words: readonly string[]): boolean {
  try {
    return Bun.spawnSync([...words]).exitCode === 0;
  } catch {
    return false;
  }
}

const hasAnalyze = ran(["systemd-analyze", "--version"]);

/** Whether this user may start a systemd that sees nothing of this machine's. */
const mayBoot =
  hasAnalyze &&
  process.getuid?.() === 0 &&
  ran(["test", "-x", "/lib/systemd/systemd"]) &&
  ran([...NAMESPACES(), "sh", "-c", "mount -t cgroup2 none /mnt && test -w /mnt/cgroup.procs"]);

function NAMESPACES(): string[] {
  return ["unshare", "--mount", "--pid", "--fork", "--cgroup", "--ipc", "--mount-proc"];
}

test("install writes a unit, says what to type, and uninstall takes it away", async () => {
  const root = scene.path("root");
  const unit = join(root, "etc/systemd/system/ftpx.service");
  const dry = await service("install", "--root", root, "--data", "/srv/ftpx", "--dry-run");
  expect(dry.stdout).toContain(`would write ${unit}`);
  expect(await lstat(root).catch(() => "nothing")).toBe("nothing");

  const words = ["install", "--root", root, "--data", "/srv/ftpx", "--", "--quota", "50 GiB"];
  const { status, stdout, stderr } = await service(...words);
  expect([status, stdout]).toEqual([
    0,
    `wrote ${unit}\nwrote ${join(root, "etc/sysusers.d/ftpx.conf")}\n`,
  ]);
  expect(stderr).toContain("systemd-sysusers\n    install -d -o ftpx -m 700 /srv/ftpx\n");
  expect(stderr).toContain("systemctl daemon-reload\n    systemctl enable --now ftpx\n");
  expect((await lstat(unit)).mode & 0o777).toBe(0o644);
  expect(await readFile(unit, "utf8")).toContain('serve --data /srv/ftpx --quota "50 GiB"\n');
  // As `systemctl enable` would.
  await mkdir(join(root, "etc/systemd/system/multi-user.target.wants"));
  const link = join(root, "etc/systemd/system/multi-user.target.wants/ftpx.service");
  await symlink(unit, link);
  // Once more, with another option: replaced.
  expect((await service(...words.slice(0, 5))).status).toBe(0);
  expect(await readFile(unit, "utf8")).not.toContain("--quota");

  const removed = await service("uninstall", "--root", root, "--json");
  expect(jsonLines(removed.stdout).map(({ event }) => event)).toEqual([
    "removed",
    "removed",
    "removed",
    "next",
    "next",
  ]);
  for (const path of [unit, link]) {
    expect(await lstat(path).catch(() => "gone")).toBe("gone");
  }
  expect((await service("uninstall", "--root", root)).status).toBe(66);
});

test("a unit of somebody else's is neither replaced nor removed", async () => {
  const root = scene.path("root");
  const unit = join(root, "etc/systemd/system/ftpx.service");
  await Bun.write(unit, "[Service]\nExecStart=/bin/true\n");
  for (const action of ["install", "uninstall"]) {
    const { status, stderr } = await service(action, "--root", root);
    expect([action, status]).toEqual([action, 73]);
    expect(stderr).toContain("hint: it was not made by ftpx service");
  }
  expect(await readFile(unit, "utf8")).toBe("[Service]\nExecStart=/bin/true\n");
});

test("a unit of one's own goes to where systemd looks for it, and names nobody", async () => {
  const env = { XDG_CONFIG_HOME: scene.path("config") };
  const words = ["service", "install", "--user", "--data", scene.path("data")];
  const { status, stderr } = await scene.run(words, { env });
  expect([status, stderr.includes("systemctl --user enable --now ftpx")]).toEqual([0, true]);
  const text = await readFile(scene.path("config/systemd/user/ftpx.service"), "utf8");

  expect(text).not.toContain("User=");
  expect(text).toContain("WantedBy=default.target");
});

test("what serve would not take is refused before anything is written", async () => {
  for (const [words, problem] of [
    [["--", "--quoat", "1 GiB"], "did you mean --quota"],
    [["--", "--quota", "much"], "much"],
    [["--", "--data", "/x"], "--data stands before the --"],
    [["--", "--listen", "nowhere"], '"nowhere" is not HOST:PORT'],
    [["--name", "a/b"], '"a/b" is not a name for a unit'],
    [["--for", "upstart"], '"upstart" is not one of systemd, launchd, windows'],
    [["--for", "launchd"], "ftpx service print writes the others"],
    [["--data", "a\nb"], "control characters"],
  ] as const) {
    const { status, stderr } = await service("install", "--root", scene.path("root"), ...words);
    expect([words, status]).toEqual([words, 64]);
    expect(stderr).toContain(problem);
  }
  expect((await service("start")).status).toBe(64);
  expect(await lstat(scene.path("root")).catch(() => "nothing")).toBe("nothing");
});

test("launchd and Windows get their own, with every word as it was", async () => {
  const words = ["print", "--data", `/srv/${ODD}`, "--", "--quota", "5 GiB"];
  const { stdout: plist } = await service(...words, "--for", "launchd").catch(() => ({
    stdout: "",
  }));
  expect(plist).toBe("");
  const mac = await service("print", "--for", "launchd", ...words.slice(1));
  expect(mac.stdout).toContain("<string>/srv/a b%h&quot;c\\d$HOME;&#x27;&lt;&amp;&gt;é</string>");
  expect(mac.stdout).toContain("<key>Umask</key>\n  <integer>63</integer>");
  expect(mac.stderr).toContain("launchctl bootstrap");
  const { stdout } = await service("print", "--for", "windows", "--data", "/srv/it's", "--json");
  const { text } = JSON.parse(stdout) as { text: string };
  expect(text).toContain("-Argument 'serve --data /srv/it''s'");
  expect(text).toContain("Register-ScheduledTask -TaskName 'ftpx'");
});

test.skipIf(!hasAnalyze)("systemd-analyze finds nothing wrong, and little exposed", async () => {
  // In the path of a program systemd takes no quote and no backslash.
  const folder = scene.path(ODD.replaceAll(/["'\\]/g, ""));
  await mkdir(folder);
  const binary = join(folder, "ftpx 100%");
  await copyFile(BINARY, binary);
  await chmod(binary, 0o755);
  const root = scene.path("root");
  for (const [name, extra] of [
    ["ftpx", []],
    ["low", ["--listen", "0.0.0.0:990"]],
  ] as const) {
    const words = ["service", "install", "--root", root, "--name", name, "--run-as", "root"];
    const child = Bun.spawn([binary, ...words, "--data", scene.path(ODD), "--", ...extra], QUIET);
    expect(await child.exited).toBe(0);
    const unit = join(root, `etc/systemd/system/${name}.service`);
    const verified = Bun.spawnSync(["systemd-analyze", "verify", "--man=no", unit]);
    // It complains of a file that is not there, so it has read the path as it is.
    expect([name, verified.stderr.toString(), verified.exitCode]).toEqual([name, "", 0]);
    const security = ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit];
    const { exitCode, stdout } = Bun.spawnSync([...security, "--no-pager"]);
    expect([stdout.toString().trim().split("\n").at(-1), exitCode]).toEqual([
      expect.any(String),
      0,
    ]);
  }
});

/** What happens inside: mounts over whatever is this machine's, then systemd as process 1. */
const BOOT = String.raw`
set -e
mount --make-rprivate /
for place in /run /srv /etc/systemd/system /usr/local/bin; do mount -t tmpfs none "$place"; done
umount -l /sys/fs/cgroup/* 2>/dev/null || true
umount -l /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 none /sys/fs/cgroup
cp "$BINARY" /usr/local/bin/ftpx
units=/etc/systemd/system
mkdir "$units/multi-user.target.wants"
ln -s /lib/systemd/system/multi-user.target "$units/default.target"
for unit in systemd-udevd systemd-udev-trigger systemd-networkd systemd-resolved systemd-timesyncd \
  systemd-logind dbus networking systemd-tmpfiles-setup systemd-sysusers systemd-update-utmp \
  systemd-remount-fs ssh sshd cron getty@; do
  ln -sf /dev/null "$units/$unit.service"
done
install -d -o nobody -m 700 "$DATA" /srv/low
printf 'require("fs").writeFileSync("%s/marker", "");' "/srv/low" >/srv/evil.js
add() {
  ftpx service install --name "$1" --data "$2" --run-as nobody -- --json --listen "127.0.0.1:$3"
  ln -s "../$1.service" "$units/multi-user.target.wants/"
}
PATH=/usr/local/bin:$PATH
add ftpx "$DATA" "$PORT" && add low /srv/low "$LOW_PORT"
# A manager that gives all of them to all of its units.
for name in ftpx low open; do
  mkdir -p "$units/$name.service.d"
  printf '[Service]\nEnvironment=BUN_BE_BUN=1 BUN_INSPECT=ws://127.0.0.1:0 "BUN_OPTIONS=--preload /srv/evil.js"\n' \
    >"$units/$name.service.d/hostile.conf"
done
sed '/^UnsetEnvironment/d' "$units/low.service" >"$units/open.service"
(
  settled() { systemctl is-active "$1" | grep -qx -e active -e failed; }
  for try in $(seq 150); do settled ftpx && settled low && break; sleep 0.2; done
  systemctl show -p ActiveState ftpx low | tr '\n' ' ' && echo
  grep -hE '^(NoNewPrivs|CapBnd|Uid)' "/proc/$(systemctl show -p MainPID --value ftpx)/status"
  head -c 5 /dev/urandom >/run/f
  export FTPX_HOME=/run/home FTPX_PASSWORD='correct horse'
  operate() { setpriv --reuid=nobody --clear-groups --regid=nogroup ftpx "$@" --data "$DATA"; }
  operate useradd ann && sleep 1
  ftpx put --accept-new /run/f "ann@127.0.0.1:$PORT/" && ftpx get "ann@127.0.0.1:$PORT/f" /run/g
  cmp /run/f /run/g && echo same
  systemctl reload ftpx && operate who >/dev/null && echo reloaded
  systemctl start open || true
  for try in $(seq 50); do systemctl is-active -q open || break; sleep 0.1; done
  echo "open: $(systemctl show -p ExecMainStatus open)"
  systemctl stop ftpx; systemctl show -p Result -p ExecMainStatus ftpx | tr '\n' ' '
  ls -a /srv/low
  echo finished
) >"$OUTPUT" 2>&1 &
export container=test
exec /lib/systemd/systemd --system --unit=multi-user.target --show-status=false --log-level=err
`;

async function freePort(): Promise<number> {
  const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  listener.stop();
  return listener.port;
}

test.skipIf(!mayBoot)(
  "R23: the server does its work as the unit runs it, and obeys no variable of the runtime's",
  async () => {
    const output = scene.path("output");
    const env = {
      PATH: process.env["PATH"] ?? "",
      BINARY,
      DATA: `/srv/${ODD}`,
      PORT: String(await freePort()),
      LOW_PORT: "994",
      OUTPUT: output,
    };
    const words = [...NAMESPACES(), "--kill-child", "bash", "-c", BOOT];
    const machine = Bun.spawn(words, { env, stdout: "ignore", stderr: "pipe" });
    const said = () => readFile(output, "utf8").catch(() => "");
    const deadlineMs = performance.now() + 50_000;
    while (!(await said()).includes("finished") && performance.now() < deadlineMs) {
      if (machine.exitCode !== null) break;
      await Bun.sleep(200);
    }
    machine.kill("SIGKILL");
    const text = await said();
    if (text === "") throw new Error(await new Response(machine.stderr).text());

    expect(text).toContain("ActiveState=active  ActiveState=active");
    expect(text).toMatch(/^Uid:\s+65534/m);
    expect(text).toMatch(/^CapBnd:\s+0{16}$/m);
    expect(text).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(text).toContain("\nsame\n");
    expect(text).toContain("\nreloaded\n");
    // The canary: what the unit unsets would have made a Bun of it, which knows no "serve".
    expect(text).toContain("open: ExecMainStatus=1\n");
    expect(text).toContain("Result=success ExecMainStatus=0");
    expect(text).not.toContain("marker");
  },
);
