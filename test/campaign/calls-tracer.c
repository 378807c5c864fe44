/*
 * Runs a program and lets one of its file calls go wrong: the Nth one of a name at a place.
 *
 *   calls-tracer LOG ROOT NAME PLACE N ACTION -- PROGRAM WORD...
 *
 * Only calls on files below ROOT are seen. A place is the path below ROOT with every long
 * hexadecimal run (ids of parts, names of temporary files) written as `*`, and they are
 * counted over all threads, so a point means the same call in every run. For each call a
 * line `NAME TAB PLACE TAB PATH` goes to LOG, with `!` in front when it was the one.
 * ACTION is one of
 *
 *   none            nothing goes wrong
 *   error:ERRNO     the call is not made and fails; close(2) is made and fails
 *   lasting:ERRNO   so does all that needs room on the disk, until SIGUSR1 comes
 *   short           a read or write really moves only half of its bytes
 *   kill-before     SIGKILL instead of the call
 *   kill-after      SIGKILL before the program sees the result
 *
 * strace cannot do it: it counts per thread, cannot shorten a call that is really made,
 * and kills only before a call. Linux on x86-64. The program ends with its tracer, and the tracer
 * with the thread that started it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__
#error "the registers here are those of x86-64"
#endif

/* Where a call has its file: a descriptor, a path, or both, once or twice. */
enum shape { ON_FD, ON_PATH, AT_PATH, TWO_PATHS, TWO_AT };
/* What else is known of it. */
enum trait { PLAIN, GROWS = 1, VECTOR = 2 };

static const struct call {
  long number;
  const char *name;
  enum shape shape;
  int traits;
} CALLS[] = {
#define CALL(name, shape, traits) {SYS_##name, #name, shape, traits}
  CALL(open, ON_PATH, PLAIN), CALL(openat, AT_PATH, PLAIN), CALL(openat2, AT_PATH, PLAIN),
  CALL(read, ON_FD, PLAIN), CALL(pread64, ON_FD, PLAIN),
  CALL(readv, ON_FD, VECTOR), CALL(preadv, ON_FD, VECTOR),
  CALL(write, ON_FD, GROWS), CALL(pwrite64, ON_FD, GROWS),
  CALL(writev, ON_FD, GROWS | VECTOR), CALL(pwritev, ON_FD, GROWS | VECTOR),
  CALL(fsync, ON_FD, PLAIN), CALL(fdatasync, ON_FD, PLAIN),
  CALL(ftruncate, ON_FD, PLAIN), CALL(fallocate, ON_FD, GROWS),
  CALL(rename, TWO_PATHS, GROWS), CALL(renameat, TWO_AT, GROWS), CALL(renameat2, TWO_AT, GROWS),
  CALL(link, TWO_PATHS, GROWS), CALL(linkat, TWO_AT, GROWS),
  CALL(unlink, ON_PATH, PLAIN), CALL(unlinkat, AT_PATH, PLAIN),
  CALL(mkdir, ON_PATH, GROWS), CALL(mkdirat, AT_PATH, GROWS), CALL(rmdir, ON_PATH, PLAIN),
  CALL(stat, ON_PATH, PLAIN), CALL(lstat, ON_PATH, PLAIN), CALL(fstat, ON_FD, PLAIN),
  CALL(newfstatat, AT_PATH, PLAIN), CALL(statx, AT_PATH, PLAIN), CALL(access, ON_PATH, PLAIN),
  CALL(faccessat, AT_PATH, PLAIN), CALL(faccessat2, AT_PATH, PLAIN),
  CALL(readlink, ON_PATH, PLAIN), CALL(readlinkat, AT_PATH, PLAIN),
  CALL(utimensat, AT_PATH, PLAIN), CALL(getdents64, ON_FD, PLAIN), CALL(close, ON_FD, PLAIN),
  CALL(chmod, ON_PATH, PLAIN), CALL(fchmod, ON_FD, PLAIN), CALL(fchmodat, AT_PATH, PLAIN),
  CALL(chown, ON_PATH, PLAIN), CALL(fchown, ON_FD, PLAIN),
};
enum { CALL_COUNT = sizeof CALLS / sizeof CALLS[0], PATH_BYTES = 4096, HEX_RUN_MIN = 12 };

typedef char Path[2 * PATH_BYTES];

static FILE *log_file;
static const char *root, *wanted_name, *wanted_place, *action;
static long wanted_count, seen_count;
static pid_t program;
static volatile sig_atomic_t is_lifted;

/* The call whose end is waited for, and the registers as the program set them. */
static pid_t ending_thread;
static struct user_regs_struct before;

static void die(const char *what) {
  perror(what);
  exit(125);
}

static void on_signal(int number) {
  if (number == SIGUSR1) is_lifted = 1;
  else kill(program, number);
}

/* The target of a link below /proc/THREAD; empty when there is none. */
static void follow(pid_t thread, const char *name, Path into) {
  char link[64];
  snprintf(link, sizeof link, "/proc/%d/%s", thread, name);
  ssize_t bytes = readlink(link, into, PATH_BYTES - 1);
  into[bytes < 0 ? 0 : bytes] = 0;
}

static void path_of_fd(pid_t thread, long fd, Path into) {
  char name[32];
  snprintf(name, sizeof name, "fd/%d", (int)fd);
  follow(thread, (int)fd == AT_FDCWD ? "cwd" : name, into);
}

/* A path that the program passes, made absolute; `fd` is where it begins. */
static void path_at(pid_t thread, long fd, unsigned long address, Path into) {
  char given[PATH_BYTES] = "";
  /* By words: a path may end just before a page that is not there. */
  for (size_t at = 0; at + sizeof(long) < sizeof given; at += sizeof(long)) {
    errno = 0;
    long word = ptrace(PTRACE_PEEKDATA, thread, address + at, 0);
    if (errno != 0) break;
    memcpy(given + at, &word, sizeof word);
    if (memchr(&word, 0, sizeof word) != NULL) break;
  }
  int own_fd = 0, end = 0;
  if (sscanf(given, "/proc/self/fd/%d%n", &own_fd, &end) == 1) path_of_fd(thread, own_fd, into);
  else if (given[0] == '/') into[0] = 0;
  else path_of_fd(thread, fd, into);
  const char *rest = given + end;
  if (rest[0] != '/' && rest[0] != 0) strcat(into, "/");
  strncat(into, rest, PATH_BYTES - 1);
}

/* Appends the place of a path to `into`. @returns whether it lies below the root */
static int add_place(const char *path, char *into, size_t room) {
  size_t root_bytes = strlen(root);
  int is_below = strncmp(path, root, root_bytes) == 0 && strchr("/", path[root_bytes]) != NULL;
  const char *rest = is_below ? path + root_bytes : path;
  if (is_below && *rest == '/') rest += 1;
  if (*rest == 0) rest = ".";
  size_t used = strlen(into);
  while (*rest != 0 && used + 2 < room) {
    size_t run = strspn(rest, "0123456789abcdef-");
    if (run >= HEX_RUN_MIN) into[used++] = '*', rest += run;
    else into[used++] = *rest++;
  }
  into[used] = 0;
  return is_below;
}

static void resume(pid_t thread, int request, int number) {
  /* ESRCH: it was killed meanwhile. */
  if (ptrace(request, thread, 0, number) < 0 && errno != ESRCH) die("ptrace");
}

static void set_registers(pid_t thread, struct user_regs_struct *registers) {
  if (ptrace(PTRACE_SETREGS, thread, 0, registers) < 0 && errno != ESRCH) die("PTRACE_SETREGS");
}

/* Halves what is moved. A vector becomes a plain call on its first piece. */
static void shorten(pid_t thread, const struct call *call, struct user_regs_struct registers) {
  if ((call->traits & VECTOR) != 0) {
    unsigned long address = registers.rsi;
    registers.rsi = ptrace(PTRACE_PEEKDATA, thread, address, 0);
    registers.rdx = ptrace(PTRACE_PEEKDATA, thread, address + 8, 0);
    int is_placed = call->number == SYS_pwritev || call->number == SYS_preadv;
    int is_write = (call->traits & GROWS) != 0;
    int placed = is_write ? SYS_pwrite64 : SYS_pread64, next = is_write ? SYS_write : SYS_read;
    registers.orig_rax = is_placed ? placed : next;
  }
  if (registers.rdx > 1) registers.rdx /= 2;
  set_registers(thread, &registers);
}

static void go_wrong(pid_t thread, const struct call *call, struct user_regs_struct registers) {
  if (strcmp(action, "kill-before") == 0) {
    kill(program, SIGKILL);
    return;
  }
  const char *number = strchr(action, ':');
  int ends_later = number == NULL || call->number == SYS_close;
  if (ends_later) {
    ending_thread = thread;
    before = registers;
    if (strcmp(action, "short") == 0) shorten(thread, call, registers);
    resume(thread, PTRACE_SYSCALL, 0);
    return;
  }
  registers.orig_rax = -1;
  registers.rax = (unsigned long)-atol(number + 1);
  set_registers(thread, &registers);
  resume(thread, PTRACE_CONT, 0);
}

/* The call that was to go wrong at its end has been made. */
static void end_call(pid_t thread) {
  ending_thread = 0;
  if (strcmp(action, "kill-after") == 0) {
    kill(program, SIGKILL);
    return;
  }
  struct user_regs_struct after;
  if (ptrace(PTRACE_GETREGS, thread, 0, &after) == 0) {
    /* The program expects that a call leaves its arguments alone. */
    const char *number = strchr(action, ':');
    before.rax = number == NULL ? after.rax : (unsigned long)-atol(number + 1);
    before.rcx = after.rcx;
    before.r11 = after.r11;
    before.rip = after.rip;
    set_registers(thread, &before);
  }
  resume(thread, PTRACE_CONT, 0);
}

static void look_at(pid_t thread) {
  struct user_regs_struct registers;
  if (ptrace(PTRACE_GETREGS, thread, 0, &registers) < 0) return;
  const struct call *call = CALLS;
  while (call < CALLS + CALL_COUNT && call->number != (long)registers.orig_rax) call += 1;
  if (call == CALLS + CALL_COUNT) return resume(thread, PTRACE_CONT, 0);
  Path path = "", target = "", place = "";
  int is_at = call->shape == AT_PATH || call->shape == TWO_AT;
  if (call->shape == ON_FD) path_of_fd(thread, registers.rdi, path);
  else if (is_at) path_at(thread, registers.rdi, registers.rsi, path);
  else path_at(thread, AT_FDCWD, registers.rdi, path);
  int is_below = add_place(path, place, sizeof place);
  if (call->shape == TWO_PATHS) path_at(thread, AT_FDCWD, registers.rsi, target);
  if (call->shape == TWO_AT) path_at(thread, registers.rdx, registers.r10, target);
  if (target[0] != 0) {
    strcat(place, " > ");
    is_below |= add_place(target, place, sizeof place);
  }
  if (!is_below) return resume(thread, PTRACE_CONT, 0);
  int is_creation = call->number == SYS_openat && (registers.rdx & O_CREAT) != 0;
  const char *name = is_creation ? "openat:create" : call->name;
  int is_like = strcmp(name, wanted_name) == 0 && strcmp(place, wanted_place) == 0;
  int is_hit = is_like && (seen_count += 1) == wanted_count;
  int is_full = strncmp(action, "lasting:", 8) == 0 && seen_count >= wanted_count && !is_lifted;
  int is_refused = is_full && (is_creation || (call->traits & GROWS) != 0);
  fprintf(log_file, "%s%s\t%s\t%s\n", is_hit ? "!" : "", name, place, path);
  if (is_hit || is_refused) go_wrong(thread, call, registers);
  else resume(thread, PTRACE_CONT, 0);
}

static void install_filter(void) {
  struct sock_filter filter[CALL_COUNT + 3];
  size_t used = 0;
  filter[used++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (size_t index = 0; index < CALL_COUNT; index += 1)
    filter[used++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CALLS[index].number,
                                                  CALL_COUNT - index, 0);
  filter[used++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  filter[used++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  struct sock_fprog bpf = {.len = used, .filter = filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) die("PR_SET_NO_NEW_PRIVS");
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &bpf) < 0) die("PR_SET_SECCOMP");
}

static void start(char **words) {
  int gate[2];
  if (pipe2(gate, O_CLOEXEC) < 0) die("pipe2");
  program = fork();
  if (program < 0) die("fork");
  if (program == 0) {
    char byte;
    /* Without its tracer the filter would make every call fail. */
    if (read(gate[0], &byte, 1) != 1) _exit(125);
    install_filter();
    execv(words[0], words);
    die(words[0]);
  }
  long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
                 PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SEIZE, program, 0, options) < 0) die("PTRACE_SEIZE");
  if (write(gate[1], "", 1) != 1) die("write");
}

int main(int count, char **words) {
  if (count < 9 || strcmp(words[7], "--") != 0) return 125;
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  log_file = fopen(words[1], "we");
  if (log_file == NULL) die(words[1]);
  setvbuf(log_file, NULL, _IOLBF, 1 << 16);
  root = words[2], wanted_name = words[3], wanted_place = words[4];
  wanted_count = atol(words[5]), action = words[6];
  struct sigaction handling = {.sa_handler = on_signal};
  sigaction(SIGTERM, &handling, NULL);
  sigaction(SIGINT, &handling, NULL);
  sigaction(SIGUSR1, &handling, NULL);
  start(words + 8);
  for (;;) {
    int status;
    pid_t thread = waitpid(-1, &status, __WALL);
    if (thread < 0 && errno == EINTR) continue;
    if (thread < 0) die("waitpid");
    if (thread == program && WIFEXITED(status)) return WEXITSTATUS(status);
    if (thread == program && WIFSIGNALED(status)) return 128 + WTERMSIG(status);
    if (!WIFSTOPPED(status)) continue;
    int event = status >> 16, number = WSTOPSIG(status);
    if (event == PTRACE_EVENT_SECCOMP) look_at(thread);
    else if (number == (SIGTRAP | 0x80)) end_call(thread);
    else {
      int request = thread == ending_thread ? PTRACE_SYSCALL : PTRACE_CONT;
      resume(thread, request, event == 0 ? number : 0);
    }
  }
}
