// Records what a program does to the files below a folder, and fails an operation of one's choice.
//
// Preloaded into the unmodified program and all its children, it stands between them and the C library. Each
// operation is carried out and logged under one lock, so the log is the order in which the kernel saw them.
//
//   RECORDER_ROOT   the folder; operations elsewhere are neither logged nor failed
//   RECORDER_LOG    the log: per operation a line "KIND NUMBER SIZE SIZE" and two byte strings of these sizes
//   RECORDER_FAIL   "N ERRNO once|always [short]": fail the N-th operation, or all from there on; a short write
//                   writes half of the bytes before the error
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))next(#name))

static char root[PATH_MAX];
static size_t root_length;
static int log_file = -1;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static __thread int inside;

static void *next(const char *name) {
  return dlsym(RTLD_NEXT, name);
}

// The descriptor gets a high number: programs expect low ones for their own files.
static void open_log(void) {
  const char *path = getenv("RECORDER_LOG");
  if (!path) return;
  int opened = NEXT(open)(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  log_file = fcntl(opened, F_DUPFD_CLOEXEC, 500);
  NEXT(close)(opened);
}

__attribute__((constructor)) static void start(void) {
  const char *folder = getenv("RECORDER_ROOT");
  if (!folder || !realpath(folder, root)) return;
  root_length = strlen(root);
  open_log();
}

// Returns the path of a name relative to a folder descriptor, with symlinks resolved except in its last part;
// null if it is not below the root.
static const char *below(int folder, const char *name, char *out) {
  if (log_file < 0 || inside || !name) return NULL;
  char joined[2 * PATH_MAX], parent[PATH_MAX];
  if (name[0] == '/') {
    snprintf(joined, sizeof joined, "%s", name);
  } else {
    char base[PATH_MAX];
    if (folder == AT_FDCWD) {
      if (!getcwd(base, sizeof base)) return NULL;
    } else {
      char link[64];
      snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
      ssize_t length = readlink(link, base, sizeof base - 1);
      if (length < 0) return NULL;
      base[length] = 0;
    }
    snprintf(joined, sizeof joined, "%s/%s", base, name);
  }
  size_t length = strlen(joined);
  while (length > 1 && joined[length - 1] == '/') joined[--length] = 0;
  char *slash = strrchr(joined, '/');
  if (!slash) return NULL;
  const char *last = slash + 1;
  *slash = 0;
  if (!realpath(joined[0] ? joined : "/", parent)) return NULL;
  snprintf(out, PATH_MAX, "%s/%s", strcmp(parent, "/") ? parent : "", last);
  if (strncmp(out, root, root_length) || out[root_length] != '/') return NULL;
  return out + root_length + 1;
}

// Returns the path of an open file; null if it is not below the root or was removed.
static const char *of(int file, char *out) {
  if (log_file < 0 || inside || file == log_file) return NULL;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, out, PATH_MAX - 1);
  if (length < 0) return NULL;
  out[length] = 0;
  if (strncmp(out, root, root_length)) return NULL;
  if (out[root_length] == 0) return ".";
  if (out[root_length] != '/' || strstr(out, " (deleted)")) return NULL;
  return out + root_length + 1;
}

static void lock(void) {
  pthread_mutex_lock(&mutex);
  inside = 1;
  flock(log_file, LOCK_EX);
}

static void unlock(void) {
  int saved = errno;
  flock(log_file, LOCK_UN);
  inside = 0;
  pthread_mutex_unlock(&mutex);
  errno = saved;
}

static void append(char kind, long long number, const void *a, size_t a_size, const void *b, size_t b_size) {
  char head[96];
  int length = snprintf(head, sizeof head, "%c %lld %zu %zu\n", kind, number, a_size, b_size);
  struct iovec parts[3] = {{head, (size_t)length}, {(void *)a, a_size}, {(void *)b, b_size}};
  size_t whole = (size_t)length + a_size + b_size;
  if (NEXT(writev)(log_file, parts, 3) != (ssize_t)whole) abort();
}

static void note(char kind, const char *path) {
  append(kind, 0, path, strlen(path), "", 0);
}

// Counts an operation; returns the error that it is to fail with, or 0. `is_short` is set for a short write.
static int fault(int *is_short) {
  const char *wanted = getenv("RECORDER_FAIL");
  if (!wanted) return 0;
  char counter[PATH_MAX + 16];
  snprintf(counter, sizeof counter, "%s.count", getenv("RECORDER_LOG"));
  int file = NEXT(open)(counter, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  struct stat status;
  long long done = fstat(file, &status) ? 0 : status.st_size;
  if (NEXT(write)(file, ".", 1) != 1) abort();
  NEXT(close)(file);
  long long at = 0;
  int error = 0;
  char mode[16] = "", kind[16] = "";
  sscanf(wanted, "%lld %d %15s %15s", &at, &error, mode, kind);
  if (is_short) *is_short = !strcmp(kind, "short");
  return done == at || (done > at && !strcmp(mode, "always")) ? error : 0;
}

#define FAIL_IF_WANTED(result)  \
  do {                          \
    int error = fault(NULL);    \
    if (error) {                \
      append('!', error, "", 0, "", 0); \
      unlock();                 \
      errno = error;            \
      return result;            \
    }                           \
  } while (0)

static int opened(int (*call)(int, const char *, int, ...), int folder, const char *name, int flags, mode_t mode) {
  char buffer[PATH_MAX];
  const char *path = flags & (O_CREAT | O_TRUNC) ? below(folder, name, buffer) : NULL;
  if (!path) return call(folder, name, flags, mode);
  lock();
  struct stat status;
  int existed = !fstatat(folder, name, &status, 0);
  FAIL_IF_WANTED(-1);
  int file = call(folder, name, flags, mode);
  if (file >= 0 && !existed) note('C', path);
  if (file >= 0 && existed && (flags & O_TRUNC) && S_ISREG(status.st_mode)) append('T', 0, path, strlen(path), "", 0);
  unlock();
  return file;
}

#define MODE                                \
  mode_t mode = 0;                          \
  if (flags & (O_CREAT | O_TMPFILE)) {      \
    va_list list;                           \
    va_start(list, flags);                  \
    mode = va_arg(list, mode_t);            \
    va_end(list);                           \
  }

int open(const char *name, int flags, ...) { MODE return opened(NEXT(openat), AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE return opened(NEXT(openat64), AT_FDCWD, name, flags, mode); }
int openat(int folder, const char *name, int flags, ...) { MODE return opened(NEXT(openat), folder, name, flags, mode); }
int openat64(int folder, const char *name, int flags, ...) { MODE return opened(NEXT(openat64), folder, name, flags, mode); }
int creat(const char *name, mode_t mode) { return opened(NEXT(openat), AT_FDCWD, name, O_CREAT | O_WRONLY | O_TRUNC, mode); }

// Where a write without an offset goes.
static off_t end_of(int file) {
  struct stat status;
  if (fcntl(file, F_GETFL) & O_APPEND) return fstat(file, &status) ? 0 : status.st_size;
  return lseek(file, 0, SEEK_CUR);
}

static ssize_t written(int file, const struct iovec *parts, int count, off_t offset, const char *path) {
  size_t size = 0;
  for (int part = 0; part < count; ++part) size += parts[part].iov_len;
  char *bytes = malloc(size + 1);
  size_t filled = 0;
  for (int part = 0; part < count; ++part) {
    memcpy(bytes + filled, parts[part].iov_base, parts[part].iov_len);
    filled += parts[part].iov_len;
  }
  lock();
  off_t at = offset < 0 ? end_of(file) : offset;
  int is_short = 0;
  int error = fault(&is_short);
  if (error) {
    append('!', error, "", 0, "", 0);
    size = is_short ? size / 2 : 0;
  }
  ssize_t done = error && !size ? -1
                 : offset < 0   ? NEXT(write)(file, bytes, size)
                                : NEXT(pwrite)(file, bytes, size, offset);
  if (done > 0) append('W', at, path, strlen(path), bytes, (size_t)done);
  unlock();
  free(bytes);
  if (error && done < 0) errno = error;
  return done;
}

ssize_t write(int file, const void *bytes, size_t size) {
  char buffer[PATH_MAX];
  const char *path = of(file, buffer);
  struct iovec part = {(void *)bytes, size};
  return path ? written(file, &part, 1, -1, path) : NEXT(write)(file, bytes, size);
}

ssize_t writev(int file, const struct iovec *parts, int count) {
  char buffer[PATH_MAX];
  const char *path = of(file, buffer);
  return path ? written(file, parts, count, -1, path) : NEXT(writev)(file, parts, count);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
  char buffer[PATH_MAX];
  const char *path = of(file, buffer);
  struct iovec part = {(void *)bytes, size};
  return path ? written(file, &part, 1, offset, path) : NEXT(pwrite)(file, bytes, size, offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off_t offset) {
  return pwrite(file, bytes, size, offset);
}

static int truncated(int file, off_t length) {
  char buffer[PATH_MAX];
  const char *path = of(file, buffer);
  if (!path) return NEXT(ftruncate)(file, length);
  lock();
  FAIL_IF_WANTED(-1);
  int status = NEXT(ftruncate)(file, length);
  if (!status) append('T', length, path, strlen(path), "", 0);
  unlock();
  return status;
}

int ftruncate(int file, off_t length) { return truncated(file, length); }
int ftruncate64(int file, off_t length) { return truncated(file, length); }

static int synced(int (*call)(int), int file) {
  char buffer[PATH_MAX];
  const char *path = of(file, buffer);
  if (!path) return call(file);
  lock();
  FAIL_IF_WANTED(-1);
  int status = call(file);
  if (!status) note('S', path);
  unlock();
  return status;
}

int fsync(int file) { return synced(NEXT(fsync), file); }
int fdatasync(int file) { return synced(NEXT(fdatasync), file); }

// Two names: renames and links.
#define TWO_NAMES(kind, call, from_folder, from, to_folder, to)                    \
  char a_buffer[PATH_MAX], b_buffer[PATH_MAX];                                     \
  const char *a = below(from_folder, from, a_buffer), *b = below(to_folder, to, b_buffer); \
  if (!a || !b) return call;                                                       \
  lock();                                                                          \
  FAIL_IF_WANTED(-1);                                                              \
  int status = call;                                                               \
  if (!status) append(kind, 0, a, strlen(a), b, strlen(b));                        \
  unlock();                                                                        \
  return status;

int rename(const char *from, const char *to) {
  TWO_NAMES('R', NEXT(rename)(from, to), AT_FDCWD, from, AT_FDCWD, to)
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
  TWO_NAMES('R', NEXT(renameat)(from_folder, from, to_folder, to), from_folder, from, to_folder, to)
}

int link(const char *from, const char *to) {
  TWO_NAMES('L', NEXT(link)(from, to), AT_FDCWD, from, AT_FDCWD, to)
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  TWO_NAMES('L', NEXT(linkat)(from_folder, from, to_folder, to, flags), from_folder, from, to_folder, to)
}

// One name: what is removed or made.
#define ONE_NAME(kind, call, folder, name)          \
  char buffer[PATH_MAX];                            \
  const char *path = below(folder, name, buffer);   \
  if (!path) return call;                           \
  lock();                                           \
  FAIL_IF_WANTED(-1);                               \
  int status = call;                                \
  if (!status) note(kind, path);                    \
  unlock();                                         \
  return status;

int unlink(const char *name) { ONE_NAME('U', NEXT(unlink)(name), AT_FDCWD, name) }
int unlinkat(int folder, const char *name, int flags) {
  ONE_NAME(flags & AT_REMOVEDIR ? 'X' : 'U', NEXT(unlinkat)(folder, name, flags), folder, name)
}
int rmdir(const char *name) { ONE_NAME('X', NEXT(rmdir)(name), AT_FDCWD, name) }
int mkdir(const char *name, mode_t mode) { ONE_NAME('M', NEXT(mkdir)(name, mode), AT_FDCWD, name) }
int mkdirat(int folder, const char *name, mode_t mode) {
  ONE_NAME('M', NEXT(mkdirat)(folder, name, mode), folder, name)
}
