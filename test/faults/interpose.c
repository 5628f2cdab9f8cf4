/*
 * Preloaded into a process, this library counts its calls to the file system below one folder and lets the n-th fail,
 * write less than it was asked to, or be the last thing that the process does. What to do stands in a small file that
 * is mapped into memory, so that whoever drives the process can change it between two runs: interposer.ts writes it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { COUNT = 0, FAIL = 1, KILL = 2, SHORTEN = 3, TEAR = 4 };
enum { OPEN = 1, WRITE = 2, SYNC = 4, RENAME = 8, UNLINK = 16, MKDIR = 32, CLOSE = 64, TRUNCATE = 128, OPEN_READ = 256, READ = 512 };
/* Calls that a full disk refuses. */
enum { GROWING = OPEN | WRITE | MKDIR | RENAME };

/* The same places stand in interposer.ts. */
struct control {
  int32_t action;
  int32_t error;
  int32_t lasting;
  int32_t counted;
  int64_t at;
  int64_t seen;
  int64_t fired;
  int32_t traced;
  int32_t padding[5];
  char root[1024];
  char first[1024];
};

enum { FILES = 65536 };
static char *names[FILES];
static unsigned char writable[FILES];
static struct control *control;
static int trace = -1;

#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

/* The function of this name below is for the others. */
static long raw(long number, long a, long b, long c, long d, long e, long f) {
  static long (*real)(long, ...);
  if (!real) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  return real(number, a, b, c, d, e, f);
}

static int raw_open(const char *path, int flags) { return raw(SYS_openat, AT_FDCWD, (long)path, flags, 0600, 0, 0); }
static void end_process(void) { raw(SYS_kill, getpid(), SIGKILL, 0, 0, 0, 0); }

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("INTERPOSE_CONTROL");
  if (!path) return;
  int fd = raw_open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void *map = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  raw(SYS_close, fd, 0, 0, 0, 0, 0);
  if (map == MAP_FAILED) return;
  char log[PATH_MAX];
  snprintf(log, sizeof log, "%s.trace", path);
  trace = raw_open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC);
  control = map;
}

static int inside(const char *path) {
  if (!control || !path || !control->root[0]) return 0;
  size_t length = strlen(control->root);
  return strncmp(path, control->root, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static const char *name_of(int fd) {
  struct stat found;
  if (fd < 0 || fd >= FILES || !names[fd]) return NULL;
  /* The number may belong to something else by now. */
  return fstat(fd, &found) == 0 && (S_ISREG(found.st_mode) || S_ISDIR(found.st_mode)) ? names[fd] : NULL;
}

static void note(int fd, const char *path, int writes) {
  if (fd < 0 || fd >= FILES) return;
  free(names[fd]);
  names[fd] = inside(path) ? strdup(path) : NULL;
  writable[fd] = writes;
}

static const char *word(int kind) {
  switch (kind) {
    case OPEN: return "open";
    case WRITE: return "write";
    case SYNC: return "sync";
    case RENAME: return "rename";
    case UNLINK: return "unlink";
    case MKDIR: return "mkdir";
    case CLOSE: return "close";
    case TRUNCATE: return "truncate";
    case OPEN_READ: return "open-read";
    default: return "read";
  }
}

/* What is to happen to this call: one of the actions, COUNT for nothing. */
static int verdict(int kind, const char *path) {
  if (!control || !path || !(control->counted & kind)) return COUNT;
  int64_t index = __atomic_add_fetch(&control->seen, 1, __ATOMIC_SEQ_CST);
  if (control->traced && trace >= 0) {
    char line[PATH_MAX + 64];
    int length = snprintf(line, sizeof line, "%s %s\n", word(kind), path);
    raw(SYS_write, trace, (long)line, length, 0, 0, 0);
  }
  int action = control->action;
  if (action == COUNT || control->at <= 0 || index < control->at) return COUNT;
  int due = index == control->at || (control->lasting && (kind & GROWING));
  if (!due) return COUNT;
  if (__atomic_add_fetch(&control->fired, 1, __ATOMIC_SEQ_CST) == 1)
    snprintf(control->first, sizeof control->first, "%s %s", word(kind), path);
  /* Calls of several threads come in another order now and then: what cannot be done by half is not begun. */
  if (action == KILL || (action == TEAR && kind != WRITE)) end_process();
  return action;
}

/* For calls that cannot be done in part. */
#define REFUSE(kind, path, failure) \
  do { \
    if (verdict(kind, path) == FAIL) { \
      errno = control->error; \
      return failure; \
    } \
  } while (0)

static int opened(const char *path, int flags, mode_t mode, int (*real)(const char *, int, ...)) {
  if (!inside(path)) {
    int fd = real(path, flags, mode);
    note(fd, NULL, 0);
    return fd;
  }
  int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
  REFUSE(writes ? OPEN : OPEN_READ, path, -1);
  int fd = real(path, flags, mode);
  note(fd, path, writes);
  return fd;
}

#define OPENING(symbol) \
  int symbol(const char *path, int flags, ...) { \
    REAL(int, #symbol, const char *, int, ...); \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest); \
    return opened(path, flags, mode, real); \
  }
OPENING(open)
OPENING(open64)

static int closed(int fd) {
  const char *path = name_of(fd);
  int action = path && writable[fd] ? verdict(CLOSE, path) : COUNT;
  note(fd, NULL, 0);
  int result = raw(SYS_close, fd, 0, 0, 0, 0, 0);
  if (action != FAIL) return result;
  errno = control->error;
  return -1;
}

int close(int fd) { return closed(fd); }

/* libuv closes files in this way. */
long syscall(long number, ...) {
  va_list rest;
  va_start(rest, number);
  long a = va_arg(rest, long), b = va_arg(rest, long), c = va_arg(rest, long);
  long d = va_arg(rest, long), e = va_arg(rest, long), f = va_arg(rest, long);
  va_end(rest);
  return number == SYS_close ? closed((int)a) : raw(number, a, b, c, d, e, f);
}

/* Writes less than asked, or nothing, where the verdict says so; `send` writes `limit` bytes. */
#define WRITING(fd, total, send) \
  do { \
    size_t limit = (total) / 2; \
    switch (verdict(WRITE, name_of(fd))) { \
      case FAIL: errno = control->error; return -1; \
      case SHORTEN: if (limit > 0) return send; break; \
      case TEAR: if (limit == 0 || send >= 0) end_process(); \
    } \
  } while (0)

ssize_t write(int fd, const void *data, size_t size) {
  REAL(ssize_t, "write", int, const void *, size_t);
  WRITING(fd, size, real(fd, data, limit));
  return real(fd, data, size);
}

#define WRITING_AT(symbol) \
  ssize_t symbol(int fd, const void *data, size_t size, off64_t offset) { \
    REAL(ssize_t, #symbol, int, const void *, size_t, off64_t); \
    WRITING(fd, size, real(fd, data, limit, offset)); \
    return real(fd, data, size, offset); \
  }
WRITING_AT(pwrite)
WRITING_AT(pwrite64)

static size_t first_size(const struct iovec *parts, int count) { return count > 0 ? parts[0].iov_len : 0; }

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(ssize_t, "writev", int, const struct iovec *, int);
  WRITING(fd, first_size(parts, count), raw(SYS_write, fd, (long)parts[0].iov_base, limit, 0, 0, 0));
  return real(fd, parts, count);
}

#define WRITING_PARTS_AT(symbol) \
  ssize_t symbol(int fd, const struct iovec *parts, int count, off64_t offset) { \
    REAL(ssize_t, #symbol, int, const struct iovec *, int, off64_t); \
    WRITING(fd, first_size(parts, count), raw(SYS_pwrite64, fd, (long)parts[0].iov_base, limit, offset, 0, 0)); \
    return real(fd, parts, count, offset); \
  }
WRITING_PARTS_AT(pwritev)
WRITING_PARTS_AT(pwritev64)

ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *target, size_t size, unsigned flags) {
  REAL(ssize_t, "copy_file_range", int, off64_t *, int, off64_t *, size_t, unsigned);
  WRITING(to, size, real(from, at, to, target, limit, flags));
  return real(from, at, to, target, size, flags);
}

#define SENDING(symbol) \
  ssize_t symbol(int to, int from, off64_t *at, size_t size) { \
    REAL(ssize_t, #symbol, int, int, off64_t *, size_t); \
    WRITING(to, size, real(to, from, at, limit)); \
    return real(to, from, at, size); \
  }
SENDING(sendfile)
SENDING(sendfile64)

#define ON_FILE(symbol, kind) \
  int symbol(int fd) { \
    REAL(int, #symbol, int); \
    REFUSE(kind, name_of(fd), -1); \
    return real(fd); \
  }
ON_FILE(fsync, SYNC)
ON_FILE(fdatasync, SYNC)

#define TRUNCATING(symbol) \
  int symbol(int fd, off64_t size) { \
    REAL(int, #symbol, int, off64_t); \
    REFUSE(TRUNCATE, name_of(fd), -1); \
    return real(fd, size); \
  }
TRUNCATING(ftruncate)
TRUNCATING(ftruncate64)

#define ON_PATH(symbol, kind) \
  int symbol(const char *path) { \
    REAL(int, #symbol, const char *); \
    REFUSE(kind, inside(path) ? path : NULL, -1); \
    return real(path); \
  }
ON_PATH(unlink, UNLINK)
ON_PATH(rmdir, UNLINK)

int mkdir(const char *path, mode_t mode) {
  REAL(int, "mkdir", const char *, mode_t);
  REFUSE(MKDIR, inside(path) ? path : NULL, -1);
  return real(path, mode);
}

#define ON_PATHS(symbol, kind) \
  int symbol(const char *from, const char *to) { \
    REAL(int, #symbol, const char *, const char *); \
    REFUSE(kind, inside(to) ? to : inside(from) ? from : NULL, -1); \
    return real(from, to); \
  }
ON_PATHS(rename, RENAME)
ON_PATHS(link, OPEN)
ON_PATHS(symlink, OPEN)

ssize_t read(int fd, void *data, size_t size) {
  REAL(ssize_t, "read", int, void *, size_t);
  REFUSE(READ, name_of(fd), -1);
  return real(fd, data, size);
}

#define READING_AT(symbol) \
  ssize_t symbol(int fd, void *data, size_t size, off64_t offset) { \
    REAL(ssize_t, #symbol, int, void *, size_t, off64_t); \
    REFUSE(READ, name_of(fd), -1); \
    return real(fd, data, size, offset); \
  }
READING_AT(pread)
READING_AT(pread64)
