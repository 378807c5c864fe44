/*
 * The long line of the benchmarks: two network namespaces and what lies between them.
 *
 *   longline ADDRESS_A ADDRESS_B DELAY_MS LOSS_PERCENT
 *
 * Says "PID FD_A FD_B" when it is there; whoever enters /proc/PID/fd/FD_A is on one side. Each
 * packet arrives DELAY_MS later, in order, or never. The namespaces have no name, so nothing is
 * left of them when this process ends, which it does with its parent.
 *
 * Not tc's netem, because some kernels are built without it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* Bounds what is under way in one direction: 96 MiB, and 50 ms at 15 Gbit/s. */
#define SLOTS 65536u
#define PACKET_BYTES 1536
/* Packets taken before the other direction has its turn. */
#define BURST 128

struct slot {
  int64_t due_ns;
  int bytes;
  unsigned char packet[PACKET_BYTES];
};

struct way {
  int from, to;
  unsigned first, count;
  struct slot *slots;
};

static void fail(const char *what) {
  fprintf(stderr, "longline: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec * INT64_C(1000000000) + at.tv_nsec;
}

/* Makes a namespace with one interface; the process stays in it. */
static int open_end(const char *address, int *namespace) {
  if (unshare(CLONE_NEWNET) != 0) fail("a network namespace");
  *namespace = open("/proc/self/ns/net", O_RDONLY);
  int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  struct ifreq request;
  memset(&request, 0, sizeof request);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  strcpy(request.ifr_name, "long0");
  if (*namespace < 0 || tun < 0 || ioctl(tun, TUNSETIFF, &request) != 0) fail("/dev/net/tun");
  char command[256];
  snprintf(command, sizeof command,
           "ip link set lo up && ip address add %s/24 dev long0 && "
           "ip link set long0 mtu 1500 txqueuelen 8192 up",
           address);
  if (system(command) != 0) fail("ip");
  return tun;
}

static void take(struct way *way, int64_t delay_ns, double loss) {
  int64_t due_ns = now_ns() + delay_ns;
  for (int turn = 0; turn < BURST && way->count < SLOTS; turn++) {
    struct slot *slot = &way->slots[(way->first + way->count) % SLOTS];
    slot->bytes = (int)read(way->from, slot->packet, PACKET_BYTES);
    if (slot->bytes <= 0) return;
    if (drand48() < loss) continue;
    slot->due_ns = due_ns;
    way->count++;
  }
}

/* Hands over what is due. @returns when the next one is, or -1 */
static int64_t give(struct way *way) {
  int64_t now = now_ns();
  while (way->count > 0) {
    struct slot *slot = &way->slots[way->first];
    if (slot->due_ns > now) return slot->due_ns;
    /* A full queue at the other end drops it, as a router would. */
    if (write(way->to, slot->packet, (size_t)slot->bytes) < 0 && errno != EAGAIN) return -1;
    way->first = (way->first + 1) % SLOTS;
    way->count--;
  }
  return -1;
}

int main(int count, char **words) {
  if (count != 5) {
    fprintf(stderr, "usage: longline ADDRESS_A ADDRESS_B DELAY_MS LOSS_PERCENT\n");
    return 64;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  int64_t delay_ns = (int64_t)(atof(words[3]) * 1e6);
  double loss = atof(words[4]) / 100;
  int namespaces[2];
  int ends[2];
  for (int end = 0; end < 2; end++) ends[end] = open_end(words[1 + end], &namespaces[end]);
  struct way ways[2] = {{.from = ends[0], .to = ends[1]}, {.from = ends[1], .to = ends[0]}};
  for (int way = 0; way < 2; way++) {
    ways[way].slots = malloc(SLOTS * sizeof(struct slot));
    if (ways[way].slots == NULL) fail("memory");
  }
  printf("%d %d %d\n", (int)getpid(), namespaces[0], namespaces[1]);
  fflush(stdout);
  for (;;) {
    int64_t next_ns = -1;
    for (int way = 0; way < 2; way++) {
      take(&ways[way], delay_ns, loss);
      int64_t due_ns = give(&ways[way]);
      if (due_ns >= 0 && (next_ns < 0 || due_ns < next_ns)) next_ns = due_ns;
    }
    struct pollfd polled[2] = {{ends[0], POLLIN, 0}, {ends[1], POLLIN, 0}};
    struct timespec wait = {0, 0};
    int64_t wait_ns = next_ns - now_ns();
    if (wait_ns > 0) wait.tv_nsec = (long)(wait_ns % INT64_C(1000000000));
    if (wait_ns > 0) wait.tv_sec = (time_t)(wait_ns / INT64_C(1000000000));
    if (ppoll(polled, 2, next_ns < 0 ? NULL : &wait, NULL) < 0 && errno != EINTR) fail("poll");
  }
}
