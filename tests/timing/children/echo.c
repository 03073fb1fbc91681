/* Echoes for the benches: `echo block` gives back what it reads, `echo line` writes once per line,
   `echo pair N SIZE HERE THERE` drives `echo block` as its own child, each on the processor of that number,
   and prints one latency (ns) a line. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char buffer[1 << 16];

static void give(const char *from, size_t size) {
    while (size) {
        ssize_t taken = write(1, from, size);
        if (taken <= 0) exit(1);
        from += taken;
        size -= (size_t)taken;
    }
}

static int block(void) {
    for (ssize_t size; (size = read(0, buffer, sizeof buffer)) > 0;) give(buffer, (size_t)size);
    return 0;
}

static int line(void) {
    for (ssize_t size; (size = read(0, buffer, sizeof buffer)) > 0;) {
        char *start = buffer, *end = buffer + size, *next;
        while (start < end && (next = memchr(start, '\n', (size_t)(end - start)))) {
            give(start, (size_t)(next + 1 - start));
            start = next + 1;
        }
        give(start, (size_t)(end - start));
    }
    return 0;
}

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void stay(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    if (sched_setaffinity(0, sizeof set, &set)) exit(1);
}

static int pair(char *self, int count, size_t size, int here, int there) {
    int to[2], from[2];
    if (pipe(to) || pipe(from)) return 1;
    if (!fork()) {
        stay(there);
        dup2(to[0], 0);
        dup2(from[1], 1);
        close(to[1]);
        close(from[0]);
        execl(self, self, "block", (char *)0);
        _exit(127);
    }
    stay(here);
    close(to[0]);
    close(from[1]);
    char *request = malloc(size);
    long long *found = malloc(sizeof *found * (size_t)count);
    memset(request, 'x', size - 1);
    request[size - 1] = '\n';
    for (int i = 0; i < count; i++) {
        long long sent = now();
        if (write(to[1], request, size) != (ssize_t)size) return 1;
        for (size_t had = 0; had < size;) {
            ssize_t got = read(from[0], buffer, sizeof buffer);
            if (got <= 0) return 1;
            had += (size_t)got;
        }
        found[i] = now() - sent;
    }
    for (int i = 0; i < count; i++) printf("%lld\n", found[i]);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 6 && !strcmp(argv[1], "pair"))
        return pair(argv[0], atoi(argv[2]), (size_t)atoi(argv[3]), atoi(argv[4]), atoi(argv[5]));
    if (argc == 2 && !strcmp(argv[1], "line")) return line();
    return argc == 2 && !strcmp(argv[1], "block") ? block() : 2;
}
