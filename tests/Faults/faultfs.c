/* faultfs: a file-system layer for tests. Preloaded (LD_PRELOAD) into a process it sits between everything that writes below one directory and the
 * kernel. It knows what has been synced, so that after a kill -9 the directory can be brought into the state that a power loss would have left, and it
 * makes operations fail, wait or lie. FaultFs.cs is how tests use it.
 *
 *   FAULTFS_ROOT    the directory that it watches; other files pass through
 *   FAULTFS_STATE   a directory on the same file system that belongs to the layer:
 *     img/INO           durable content of the file whose inode is INO; a file without one has never been opened for writing, so all of it is durable
 *     dirs/INO/         durable names of the directory whose inode is INO: hard links to images (or to files without one), symbolic links ../INO to
 *                       directories
 *     control           faults, read anew when it is replaced: lines 'ACTION OPERATIONS PATTERN [BYTES]', see parse_line
 *     events            one line for each operation that was made to fail or wait (the first few hundred)
 *
 * The model is the strictest that POSIX allows. Content is durable by fsync or fdatasync of the file only, up to what was written when the call began
 * (sync_file_range promises nothing). A name (creation, renaming, deletion) is durable by fsync of its directory only. A failed sync forgets what it
 * should have written, and the next one does not repeat it. What is synced is copied to the images; the disk itself is not synced.
 *
 * Compiled with -DFAULTFS_TOOL this file is the program that imitates the power loss.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

static char root[PATH_MAX], state[PATH_MAX];

static void die(const char *what, const char *path)
{
    fprintf(stderr, "faultfs: %s %s: %s\n", what, path, strerror(errno));
    abort();
}

static char *format(char *out, const char *pattern, ...)
{
    va_list args;
    va_start(args, pattern);
    if (vsnprintf(out, PATH_MAX, pattern, args) >= PATH_MAX) die("too long", out);
    va_end(args);
    return out;
}

static char *img_path(char *out, ino_t ino) { return format(out, "%s/img/%lu", state, (unsigned long)ino); }

static char *dir_path(char *out, ino_t ino) { return format(out, "%s/dirs/%lu", state, (unsigned long)ino); }

/* Calls visit for each entry but . and .. */
static void each_entry(const char *path, void (*visit)(const char *path, const char *name, void *context), void *context)
{
    DIR *dir = opendir(path);
    if (!dir) die("cannot list", path);
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) visit(path, entry->d_name, context);
    closedir(dir);
}

#ifndef FAULTFS_TOOL

/* ---- The layer. Its own work goes through the real functions. */

#define REAL(result, name, ...)                                      \
    static result (*real_##name)(__VA_ARGS__);                       \
    __attribute__((constructor(101))) static void find_##name(void)  \
    {                                                                \
        if (!real_##name) *(void **)&real_##name = next(#name);      \
    }

static void *(*real_dlsym)(void *, const char *);

static void *next(const char *name)
{
    if (!real_dlsym) *(void **)&real_dlsym = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
    if (!real_dlsym) *(void **)&real_dlsym = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
    if (!real_dlsym) *(void **)&real_dlsym = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.17");
    if (!real_dlsym) abort();
    return real_dlsym(RTLD_NEXT, name);
}

REAL(int, open, const char *, int, ...)
REAL(int, close, int)
REAL(int, fclose, FILE *)
REAL(ssize_t, read, int, void *, size_t)
REAL(ssize_t, pread, int, void *, size_t, off_t)
REAL(ssize_t, preadv, int, const struct iovec *, int, off_t)
REAL(ssize_t, write, int, const void *, size_t)
REAL(ssize_t, pwrite, int, const void *, size_t, off_t)
REAL(ssize_t, writev, int, const struct iovec *, int)
REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t)
REAL(int, fallocate, int, int, off_t, off_t)
REAL(int, posix_fallocate, int, off_t, off_t)
REAL(int, ftruncate, int, off_t)
REAL(int, truncate, const char *, off_t)
REAL(int, fsync, int)
REAL(int, fdatasync, int)
REAL(int, sync_file_range, int, off_t, off_t, unsigned)
REAL(int, rename, const char *, const char *)
REAL(int, unlink, const char *)
REAL(int, link, const char *, const char *)
REAL(int, mkdir, const char *, mode_t)
REAL(void *, mmap, void *, size_t, int, int, int, off_t)
REAL(int, statfs, const char *, struct statfs *)
REAL(int, statvfs, const char *, struct statvfs *)
REAL(ssize_t, copy_file_range, int, off_t *, int, off_t *, size_t, unsigned)
REAL(ssize_t, sendfile, int, int, off_t *, size_t)

struct range { off_t from, to; struct range *next; };

/* A file below the root that was opened for writing. Lives as long as the process: descriptors point to it. */
struct file {
    ino_t ino;
    int reader;                 /* of the file itself */
    int image;
    off_t shrunk_to;            /* smallest size since the last sync, or -1 */
    struct range *dirty;        /* written since the last sync */
    pthread_mutex_t syncing;    /* a sync returns after what an earlier one took is copied */
    struct file *next;
};

struct handle { char *path; struct file *file; int is_dir; };

enum { max_handles = 1 << 16, buckets = 1024 };
static struct handle handles[max_handles];
static struct file *files[buckets];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int active;

/* The path below the root, or null if it is elsewhere. */
static const char *below(const char *path)
{
    size_t length = strlen(root);
    if (!active || strncmp(path, root, length)) return NULL;
    return path[length] == '/' ? path + length + 1 : path[length] ? NULL : "";
}

static const char *absolute(const char *path, char *buffer)
{
    if (path[0] == '/') return path;
    char here[PATH_MAX];
    return getcwd(here, sizeof here) ? format(buffer, "%s/%s", here, path) : path;
}

static struct handle *handle_of(int fd) { return fd >= 0 && fd < max_handles && handles[fd].path ? &handles[fd] : NULL; }

/* ---- Faults */

enum operation { op_write = 1, op_sync = 2, op_read = 4, op_create = 8, op_rename = 16, op_unlink = 32 };
enum action { act_eio, act_enospc, act_stall, act_lie, act_quota };
struct rule { enum action action; int operations; char pattern[256]; long long bytes; };
enum { max_rules = 32 };

static struct rule rules[max_rules];
static int rule_count;
static struct stat control_seen;
static pthread_mutex_t control_lock = PTHREAD_MUTEX_INITIALIZER;
static int events_left = 400;

/*   eio|enospc OPERATIONS PATTERN   the operation fails
 *   stall OPERATIONS PATTERN        it waits until the line is gone, then goes on
 *   lie sync PATTERN                it succeeds, but nothing becomes durable
 *   quota write DIRECTORY BYTES     what is in the directory below the root (. for the root) takes at most BYTES
 * OPERATIONS: write,sync,read,create,rename,unlink. PATTERN: of the shell, for a path below the root; * stands for slashes too. */
static void parse_line(const char *line)
{
    char action[16], operations[128];
    struct rule *rule = &rules[rule_count];
    int words = sscanf(line, "%15s %127s %255s %lld", action, operations, rule->pattern, &rule->bytes);
    if (words < 3 || rule_count + 1 == max_rules) goto wrong;
    if (!strcmp(action, "eio")) rule->action = act_eio;
    else if (!strcmp(action, "enospc")) rule->action = act_enospc;
    else if (!strcmp(action, "stall")) rule->action = act_stall;
    else if (!strcmp(action, "lie")) rule->action = act_lie;
    else if (!strcmp(action, "quota") && words == 4) rule->action = act_quota;
    else goto wrong;
    rule->operations = 0;
    for (char *rest, *word = strtok_r(operations, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        static const char *names[] = { "write", "sync", "read", "create", "rename", "unlink" };
        int bit = 0;
        while (bit < 6 && strcmp(word, names[bit])) bit++;
        if (bit == 6) goto wrong;
        rule->operations |= 1 << bit;
    }
    rule_count++;
    return;
wrong:
    errno = EINVAL;
    die("bad line in control:", line);
}

/* Replacing the file (rename) is what a test does, so a change shows as another inode. Call under control_lock. */
static void read_control(void)
{
    char path[PATH_MAX];
    struct stat now;
    if (stat(format(path, "%s/control", state), &now)) {
        rule_count = 0;
        memset(&control_seen, 0, sizeof control_seen);
        return;
    }
    if (now.st_ino == control_seen.st_ino && now.st_mtim.tv_nsec == control_seen.st_mtim.tv_nsec && now.st_mtim.tv_sec == control_seen.st_mtim.tv_sec) return;
    control_seen = now;
    char text[16384];
    int fd = real_open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : real_read(fd, text, sizeof text - 1);
    if (length < 0) die("cannot read", path);
    real_close(fd);
    text[length] = 0;
    rule_count = 0;
    for (char *rest, *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) parse_line(line);
}

static int matches(const struct rule *rule, const char *relative)
{
    size_t length = strlen(rule->pattern);
    if (rule->action != act_quota) return !fnmatch(rule->pattern, relative, 0);
    return !strcmp(rule->pattern, ".") || (!strncmp(relative, rule->pattern, length) && (relative[length] == '/' || !relative[length]));
}

static void record_event(const char *what, int operation, const char *relative)
{
    if (__atomic_sub_fetch(&events_left, 1, __ATOMIC_RELAXED) < 0) return;
    static const char *names[] = { "write", "sync", "read", "create", "rename", "unlink" };
    char path[PATH_MAX], line[PATH_MAX];
    int fd = real_open(format(path, "%s/events", state), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    format(line, "%s %s %s\n", what, names[__builtin_ctz(operation)], relative);
    if (fd < 0 || real_write(fd, line, strlen(line)) < 0) die("cannot write", path);
    real_close(fd);
}

static long long used_bytes(const char *directory);

static void add_used(const char *path, const char *name, void *context)
{
    char full[PATH_MAX];
    struct stat found;
    if (lstat(format(full, "%s/%s", path, name), &found)) return;
    if (S_ISDIR(found.st_mode)) *(long long *)context += used_bytes(full);
    else *(long long *)context += found.st_size > found.st_blocks * 512 ? found.st_size : found.st_blocks * 512;
}

static long long used_bytes(const char *directory)
{
    long long used = 0;
    struct stat found;
    if (!stat(directory, &found)) each_entry(directory, add_used, &used);
    return used;
}

static long long room_in(const struct rule *quota)
{
    char directory[PATH_MAX];
    long long room = quota->bytes - used_bytes(format(directory, "%s/%s", root, quota->pattern));
    return room > 0 ? room : 0;
}

/* What a sync that only pretends returns from fault(). */
enum { pretend = -1 };

/* Waits, or returns the error that the operation is to fail with, or 0. */
static int fault(int operation, const char *path)
{
    const char *relative = below(path);
    if (!relative) return 0;
    for (int stalled = 0;; stalled = 1) {
        int error = 0, stall = 0;
        pthread_mutex_lock(&control_lock);
        read_control();
        for (int i = 0; i < rule_count && !error; i++) {
            if (!(rules[i].operations & operation) || !matches(&rules[i], relative)) continue;
            if (rules[i].action == act_eio) error = EIO;
            else if (rules[i].action == act_enospc) error = ENOSPC;
            else if (rules[i].action == act_stall) stall = 1;
            else if (rules[i].action == act_lie && operation == op_sync) error = pretend;
        }
        pthread_mutex_unlock(&control_lock);
        if (stall && !stalled) record_event("stall", operation, relative);
        if (!stall && error) record_event(error == EIO ? "eio" : error == ENOSPC ? "enospc" : "lie", operation, relative);
        if (!stall) return error;
        usleep(5000);
    }
}

/* How many of the bytes a quota lets through. */
static size_t allowed(const char *path, size_t wanted)
{
    const char *relative = below(path);
    size_t allowed = wanted;
    pthread_mutex_lock(&control_lock);
    read_control();
    for (int i = 0; relative && i < rule_count; i++) {
        if (rules[i].action != act_quota || !matches(&rules[i], relative)) continue;
        long long room = room_in(&rules[i]);
        if (room < (long long)allowed) allowed = room;
    }
    pthread_mutex_unlock(&control_lock);
    if (allowed < wanted) record_event("quota", op_write, relative);
    return allowed;
}

static int find_quota(const char *path, long long *limit, long long *room)
{
    char buffer[PATH_MAX];
    const char *relative = below(absolute(path, buffer));
    int found = 0;
    if (!relative) return 0;
    pthread_mutex_lock(&control_lock);
    read_control();
    for (int i = 0; i < rule_count && !found; i++) {
        if (rules[i].action != act_quota || !matches(&rules[i], relative)) continue;
        found = 1;
        *limit = rules[i].bytes;
        *room = room_in(&rules[i]);
    }
    pthread_mutex_unlock(&control_lock);
    return found;
}

/* ---- What is durable. Everything here runs under lock, except the copying of a sync. */

static void add_dirty(struct file *file, off_t from, off_t to)
{
    struct range **at = &file->dirty;
    while (*at && (*at)->to < from) at = &(*at)->next;
    while (*at && (*at)->from <= to) {
        struct range *overlapping = *at;
        if (overlapping->from < from) from = overlapping->from;
        if (overlapping->to > to) to = overlapping->to;
        *at = overlapping->next;
        free(overlapping);
    }
    struct range *added = malloc(sizeof *added);
    *added = (struct range){ from, to, *at };
    *at = added;
}

static void forget_dirty(struct file *file)
{
    for (struct range *range = file->dirty, *following; range; range = following) {
        following = range->next;
        free(range);
    }
    file->dirty = NULL;
    file->shrunk_to = -1;
}

static void copy_bytes(int from, int to, off_t start, off_t end)
{
    char buffer[1 << 16];
    while (start < end) {
        ssize_t got = real_pread(from, buffer, end - start < (off_t)sizeof buffer ? (size_t)(end - start) : sizeof buffer, start);
        if (got < 0) die("cannot read", "a file to be synced");
        if (got == 0) return;
        if (real_pwrite(to, buffer, got, start) != got) die("cannot write", "an image");
        start += got;
    }
}

static struct file *find_file(ino_t ino)
{
    struct file *file = files[ino % buckets];
    while (file && file->ino != ino) file = file->next;
    return file;
}

/* The inode is gone; the durable names keep the image under theirs. */
static void forget_inode(ino_t ino)
{
    char image[PATH_MAX];
    for (struct file **at = &files[ino % buckets]; *at; at = &(*at)->next) {
        if ((*at)->ino != ino) continue;
        *at = (*at)->next;
        break;
    }
    real_unlink(img_path(image, ino));
}

static void link_over(const char *target, const char *name)
{
    char temporary[PATH_MAX];
    format(temporary, "%s/new-%d", state, getpid());
    real_unlink(temporary);
    if (real_link(target, temporary) || real_rename(temporary, name)) die("cannot link", name);
    /* Renaming one name of a file to another of the same file does nothing. */
    real_unlink(temporary);
}

struct repointing { ino_t from, to; const char *image; };

static void repoint_name(const char *path, const char *name, void *context)
{
    struct repointing *repointing = context;
    char full[PATH_MAX];
    struct stat found;
    if (!lstat(format(full, "%s/%s", path, name), &found) && S_ISREG(found.st_mode) && found.st_ino == repointing->from) link_over(repointing->image, full);
}

static void repoint_names(const char *path, const char *name, void *context)
{
    char full[PATH_MAX];
    each_entry(format(full, "%s/%s", path, name), repoint_name, context);
}

/* A file that was there before, as it is now: its durable names were links to itself, and become links to an image. */
static void make_image(const char *path, ino_t ino, const char *image)
{
    char dirs[PATH_MAX];
    int from = real_open(path, O_RDONLY | O_CLOEXEC), to = real_open(image, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (from < 0 || to < 0) die("cannot copy", path);
    copy_bytes(from, to, 0, LLONG_MAX);
    real_close(from);
    real_close(to);
    struct repointing repointing = { ino, 0, image };
    each_entry(format(dirs, "%s/dirs", state), repoint_names, &repointing);
}

/* Before a file is opened for writing: it may be about to be cut. */
static void before_writing(const char *path, int *existed)
{
    char image[PATH_MAX];
    struct stat found;
    *existed = !stat(path, &found);
    if (!*existed || !S_ISREG(found.st_mode) || find_file(found.st_ino)) return;
    if (access(img_path(image, found.st_ino), F_OK)) make_image(path, found.st_ino, image);
}

static struct file *track(const char *path, int fd, int existed, int flags)
{
    char image[PATH_MAX];
    struct stat found;
    if (fstat(fd, &found)) die("cannot stat", path);
    if (!S_ISREG(found.st_mode)) return NULL;
    struct file *file = existed ? find_file(found.st_ino) : NULL;
    if (!file) {
        if (!existed) forget_inode(found.st_ino);
        file = calloc(1, sizeof *file);
        file->ino = found.st_ino;
        file->shrunk_to = -1;
        file->reader = real_open(path, O_RDONLY | O_CLOEXEC);
        file->image = real_open(img_path(image, found.st_ino), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (file->reader < 0 || file->image < 0) die("cannot track", path);
        pthread_mutex_init(&file->syncing, NULL);
        file->next = files[found.st_ino % buckets];
        files[found.st_ino % buckets] = file;
        /* An earlier process may have left something unsynced. */
        if (existed) {
            file->shrunk_to = found.st_size;
            if (found.st_size > 0) add_dirty(file, 0, found.st_size);
        }
    }
    if (existed && (flags & O_TRUNC)) {
        forget_dirty(file);
        file->shrunk_to = 0;
    }
    return file;
}

static void sync_content(struct file *file)
{
    pthread_mutex_lock(&file->syncing);
    pthread_mutex_lock(&lock);
    struct range *dirty = file->dirty;
    off_t shrunk_to = file->shrunk_to;
    file->dirty = NULL;
    file->shrunk_to = -1;
    pthread_mutex_unlock(&lock);
    struct stat image;
    if (fstat(file->image, &image)) die("cannot stat", "an image");
    if (shrunk_to >= 0 && shrunk_to < image.st_size && real_ftruncate(file->image, shrunk_to)) die("cannot cut", "an image");
    while (dirty) {
        struct range *range = dirty;
        copy_bytes(file->reader, file->image, range->from, range->to);
        dirty = range->next;
        free(range);
    }
    pthread_mutex_unlock(&file->syncing);
}

struct directory_sync { const char *path; const char *durable; };

static void add_name(const char *path, const char *name, void *context)
{
    struct directory_sync *sync = context;
    char full[PATH_MAX], durable[PATH_MAX], target[PATH_MAX], known[PATH_MAX];
    struct stat found, wanted, present;
    format(full, "%s/%s", path, name);
    format(durable, "%s/%s", sync->durable, name);
    if (lstat(full, &found)) return;
    int is_present = !lstat(durable, &present);
    if (S_ISDIR(found.st_mode)) {
        format(target, "../%lu", (unsigned long)found.st_ino);
        ssize_t length = is_present ? readlink(durable, known, sizeof known - 1) : -1;
        if (length >= 0 && (known[length] = 0, !strcmp(known, target))) return;
        if (is_present) real_unlink(durable);
        if (symlink(target, durable)) die("cannot link", durable);
        return;
    }
    if (!S_ISREG(found.st_mode)) return;
    if (stat(img_path(target, found.st_ino), &wanted)) {
        strcpy(target, full);
        wanted = found;
    }
    if (!is_present || present.st_ino != wanted.st_ino) link_over(target, durable);
}

static void remove_name(const char *path, const char *name, void *context)
{
    struct directory_sync *sync = context;
    char full[PATH_MAX], durable[PATH_MAX];
    struct stat found;
    if (lstat(format(full, "%s/%s", sync->path, name), &found)) real_unlink(format(durable, "%s/%s", path, name));
}

static void sync_names(const char *path)
{
    char durable[PATH_MAX];
    struct stat found;
    if (stat(path, &found)) return;
    struct directory_sync sync = { path, dir_path(durable, found.st_ino) };
    real_mkdir(durable, 0755);
    each_entry(path, add_name, &sync);
    each_entry(durable, remove_name, &sync);
}

static void adopt_child(const char *path, const char *name, void *context);

/* What is there when the first process starts is durable. */
static void adopt(const char *path)
{
    sync_names(path);
    each_entry(path, adopt_child, NULL);
}

static void adopt_child(const char *path, const char *name, void *context)
{
    (void)context;
    char full[PATH_MAX];
    struct stat found;
    if (!lstat(format(full, "%s/%s", path, name), &found) && S_ISDIR(found.st_mode)) adopt(full);
}

static void move_symlink(const char *path, const char *name, void *context)
{
    struct repointing *repointing = context;
    char full[PATH_MAX], target[PATH_MAX], known[PATH_MAX];
    format(full, "%s/%s", path, name);
    ssize_t length = readlink(full, known, sizeof known - 1);
    if (length < 0) return;
    known[length] = 0;
    if (strcmp(known, format(target, "../%lu", (unsigned long)repointing->from))) return;
    real_unlink(full);
    if (symlink(repointing->image, full)) die("cannot link", full);
}

static void move_symlinks(const char *path, const char *name, void *context)
{
    char full[PATH_MAX];
    each_entry(format(full, "%s/%s", path, name), move_symlink, context);
}

/* A new directory may get the inode of one whose removal is not durable: that one keeps its content under another id. */
static void new_directory(const char *path)
{
    static unsigned generation;
    char durable[PATH_MAX], moved[PATH_MAX], target[PATH_MAX], dirs[PATH_MAX];
    struct stat found;
    if (stat(path, &found) || access(dir_path(durable, found.st_ino), F_OK)) return;
    format(target, "../%lu.%d.%u", (unsigned long)found.st_ino, getpid(), ++generation);
    format(moved, "%s/dirs/%s", state, target + 3);
    if (real_rename(durable, moved)) die("cannot move", durable);
    struct repointing repointing = { found.st_ino, 0, target };
    each_entry(format(dirs, "%s/dirs", state), move_symlinks, &repointing);
}

__attribute__((constructor(102))) static void start(void)
{
    char path[PATH_MAX];
    const char *root_given = getenv("FAULTFS_ROOT"), *state_given = getenv("FAULTFS_STATE");
    if (!root_given || !state_given) return;
    if (!realpath(root_given, root)) die("cannot find", root_given);
    if (!realpath(state_given, state)) die("cannot find", state_given);
    real_mkdir(format(path, "%s/img", state), 0755);
    real_mkdir(format(path, "%s/dirs", state), 0755);
    int guard = real_open(format(path, "%s/adopting", state), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (guard < 0 || flock(guard, LOCK_EX)) die("cannot lock", path);
    struct stat found;
    if (stat(root, &found)) die("cannot stat", root);
    if (access(dir_path(path, found.st_ino), F_OK)) adopt(root);
    real_close(guard);
    active = 1;
}

/* ---- What the process calls */

static void forget_handle(int fd)
{
    if (!handle_of(fd)) return;
    pthread_mutex_lock(&lock);
    free(handles[fd].path);
    handles[fd] = (struct handle){ 0 };
    pthread_mutex_unlock(&lock);
}

static int fail(int error)
{
    errno = error;
    return -1;
}

static int open_tracked(const char *path, int flags, mode_t mode)
{
    char buffer[PATH_MAX];
    path = absolute(path, buffer);
    if (!below(path) || (flags & O_PATH)) return real_open(path, flags, mode);
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)), existed = 1, error;
    if ((flags & O_CREAT) && access(path, F_OK) && ((error = fault(op_create, path)) || (!allowed(path, 1) && (error = ENOSPC)))) return fail(error);
    pthread_mutex_lock(&lock);
    if (writes) before_writing(path, &existed);
    int fd = real_open(path, flags, mode);
    int saved = errno;
    struct stat found;
    if (fd >= max_handles) die("too many descriptors at", path);
    if (fd >= 0 && !fstat(fd, &found) && (S_ISREG(found.st_mode) || S_ISDIR(found.st_mode))) {
        free(handles[fd].path);
        handles[fd] = (struct handle){ strdup(path), writes ? track(path, fd, existed, flags) : NULL, S_ISDIR(found.st_mode) };
    }
    pthread_mutex_unlock(&lock);
    errno = saved;
    return fd;
}

#define OPEN(name)                                   \
    int name(const char *path, int flags, ...)       \
    {                                                \
        va_list args;                                \
        va_start(args, flags);                       \
        mode_t mode = va_arg(args, mode_t);          \
        va_end(args);                                \
        return open_tracked(path, flags, mode);      \
    }
OPEN(open)
OPEN(open64)

int openat(int at, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = va_arg(args, mode_t);
    va_end(args);
    if (at == AT_FDCWD || path[0] == '/') return open_tracked(path, flags, mode);
    static int (*real)(int, const char *, int, ...);
    if (!real) *(void **)&real = next("openat");
    return real(at, path, flags, mode);
}
int openat64(int, const char *, int, ...) __attribute__((alias("openat")));

int creat(const char *path, mode_t mode) { return open_tracked(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *, mode_t) __attribute__((alias("creat")));

int close(int fd)
{
    forget_handle(fd);
    return real_close(fd);
}

int fclose(FILE *stream)
{
    forget_handle(fileno(stream));
    return real_fclose(stream);
}

#define READ(name, result, parameters, arguments)                               \
    result name parameters                                                      \
    {                                                                           \
        struct handle *handle = handle_of(fd);                                  \
        int error = handle && !handle->is_dir ? fault(op_read, handle->path) : 0; \
        return error ? fail(error) : real_##name arguments;                     \
    }
READ(read, ssize_t, (int fd, void *to, size_t count), (fd, to, count))
READ(pread, ssize_t, (int fd, void *to, size_t count, off_t at), (fd, to, count, at))
READ(preadv, ssize_t, (int fd, const struct iovec *to, int count, off_t at), (fd, to, count, at))
ssize_t pread64(int, void *, size_t, off_t) __attribute__((alias("pread")));
ssize_t preadv64(int, const struct iovec *, int, off_t) __attribute__((alias("preadv")));

static void wrote(struct handle *handle, off_t from, ssize_t count)
{
    if (count <= 0 || !handle->file) return;
    pthread_mutex_lock(&lock);
    add_dirty(handle->file, from, from + count);
    pthread_mutex_unlock(&lock);
}

/* Faults and quota for a write of so many bytes: the bytes to write, or -1. */
static ssize_t admit(struct handle *handle, size_t count)
{
    int error = fault(op_write, handle->path);
    if (error) return fail(error);
    size_t admitted = allowed(handle->path, count);
    return admitted == 0 && count > 0 ? fail(ENOSPC) : (ssize_t)admitted;
}

ssize_t write(int fd, const void *from, size_t count)
{
    struct handle *handle = handle_of(fd);
    if (!handle || !handle->file) return real_write(fd, from, count);
    ssize_t admitted = admit(handle, count);
    if (admitted < 0) return -1;
    ssize_t written = real_write(fd, from, admitted);
    if (written > 0) wrote(handle, lseek(fd, 0, SEEK_CUR) - written, written);
    return written;
}

ssize_t pwrite(int fd, const void *from, size_t count, off_t at)
{
    struct handle *handle = handle_of(fd);
    if (!handle || !handle->file) return real_pwrite(fd, from, count, at);
    ssize_t admitted = admit(handle, count);
    if (admitted < 0) return -1;
    ssize_t written = real_pwrite(fd, from, admitted, at);
    wrote(handle, at, written);
    return written;
}
ssize_t pwrite64(int, const void *, size_t, off_t) __attribute__((alias("pwrite")));

/* One buffer at a time: a short count is a legal answer. */
ssize_t writev(int fd, const struct iovec *from, int count) { return handle_of(fd) && count > 0 ? write(fd, from[0].iov_base, from[0].iov_len) : real_writev(fd, from, count); }

ssize_t pwritev(int fd, const struct iovec *from, int count, off_t at)
{
    return handle_of(fd) && count > 0 ? pwrite(fd, from[0].iov_base, from[0].iov_len, at) : real_pwritev(fd, from, count, at);
}
ssize_t pwritev64(int, const struct iovec *, int, off_t) __attribute__((alias("pwritev")));

/* Copying inside the kernel: callers fall back to reading and writing. */
ssize_t copy_file_range(int from, off_t *from_at, int to, off_t *to_at, size_t count, unsigned flags)
{
    return handle_of(to) ? fail(EXDEV) : real_copy_file_range(from, from_at, to, to_at, count, flags);
}

ssize_t sendfile(int to, int from, off_t *at, size_t count) { return handle_of(to) ? fail(EINVAL) : real_sendfile(to, from, at, count); }
ssize_t sendfile64(int, int, off_t *, size_t) __attribute__((alias("sendfile")));

static off_t size_of(int fd)
{
    struct stat found;
    return fstat(fd, &found) ? 0 : found.st_size;
}

int fallocate(int fd, int mode, off_t from, off_t length)
{
    struct handle *handle = handle_of(fd);
    if (!handle || !handle->file) return real_fallocate(fd, mode, from, length);
    /* Space taken in advance counts, but the call is no write: RocksDB goes on without. */
    if (allowed(handle->path, length) < (size_t)length) return fail(ENOSPC);
    off_t before = size_of(fd);
    int result = real_fallocate(fd, mode, from, length);
    if (!result && size_of(fd) > before) wrote(handle, before, size_of(fd) - before);
    return result;
}
int fallocate64(int, int, off_t, off_t) __attribute__((alias("fallocate")));

int posix_fallocate(int fd, off_t from, off_t length) { return handle_of(fd) ? fallocate(fd, 0, from, length) ? errno : 0 : real_posix_fallocate(fd, from, length); }
int posix_fallocate64(int, off_t, off_t) __attribute__((alias("posix_fallocate")));

int ftruncate(int fd, off_t size)
{
    struct handle *handle = handle_of(fd);
    if (!handle || !handle->file) return real_ftruncate(fd, size);
    int error = fault(op_write, handle->path);
    if (error) return fail(error);
    off_t before = size_of(fd);
    int result = real_ftruncate(fd, size);
    if (result) return result;
    pthread_mutex_lock(&lock);
    struct file *file = handle->file;
    if (size < before && (file->shrunk_to < 0 || size < file->shrunk_to)) file->shrunk_to = size;
    pthread_mutex_unlock(&lock);
    if (size > before) wrote(handle, before, size - before);
    return 0;
}
int ftruncate64(int, off_t) __attribute__((alias("ftruncate")));

int truncate(const char *path, off_t size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    int result = ftruncate(fd, size), saved = errno;
    close(fd);
    errno = saved;
    return result;
}
int truncate64(const char *, off_t) __attribute__((alias("truncate")));

static int sync_handle(struct handle *handle)
{
    int error = fault(op_sync, handle->path);
    if (error == pretend) return 0;
    if (error) {
        pthread_mutex_lock(&lock);
        if (handle->file) forget_dirty(handle->file);
        pthread_mutex_unlock(&lock);
        return fail(error);
    }
    if (handle->file) sync_content(handle->file);
    if (!handle->is_dir) return 0;
    pthread_mutex_lock(&lock);
    sync_names(handle->path);
    pthread_mutex_unlock(&lock);
    return 0;
}

int fsync(int fd)
{
    struct handle *handle = handle_of(fd);
    return handle ? sync_handle(handle) : real_fsync(fd);
}

int fdatasync(int fd)
{
    struct handle *handle = handle_of(fd);
    return handle ? sync_handle(handle) : real_fdatasync(fd);
}

int sync_file_range(int fd, off_t from, off_t length, unsigned flags)
{
    struct handle *handle = handle_of(fd);
    if (!handle) return real_sync_file_range(fd, from, length, flags);
    /* Makes nothing durable, so nothing can fail. RocksDB ends the process if its first call does. */
    fault(op_sync, handle->path);
    return 0;
}

int rename(const char *from, const char *to)
{
    char from_buffer[PATH_MAX], to_buffer[PATH_MAX];
    from = absolute(from, from_buffer);
    to = absolute(to, to_buffer);
    if (!below(from) && !below(to)) return real_rename(from, to);
    int error = fault(op_rename, to);
    if (error) return fail(error);
    pthread_mutex_lock(&lock);
    struct stat moved, replaced;
    int replaces = !lstat(to, &replaced) && S_ISREG(replaced.st_mode) && !(lstat(from, &moved) == 0 && moved.st_ino == replaced.st_ino);
    int result = real_rename(from, to), saved = errno;
    if (!result && replaces) forget_inode(replaced.st_ino);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return result;
}

int unlink(const char *path)
{
    char buffer[PATH_MAX];
    path = absolute(path, buffer);
    if (!below(path)) return real_unlink(path);
    int error = fault(op_unlink, path);
    if (error) return fail(error);
    pthread_mutex_lock(&lock);
    struct stat found;
    int known = !lstat(path, &found);
    int result = real_unlink(path), saved = errno;
    if (!result && known) forget_inode(found.st_ino);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return result;
}

/* A file has one name here; RocksDB copies instead. */
int link(const char *from, const char *to)
{
    char buffer[PATH_MAX];
    return below(absolute(to, buffer)) ? fail(EOPNOTSUPP) : real_link(from, to);
}

int mkdir(const char *path, mode_t mode)
{
    char buffer[PATH_MAX];
    path = absolute(path, buffer);
    if (!below(path)) return real_mkdir(path, mode);
    int error = fault(op_create, path);
    if (error) return fail(error);
    pthread_mutex_lock(&lock);
    int result = real_mkdir(path, mode), saved = errno;
    if (!result) new_directory(path);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return result;
}

void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset)
{
    struct handle *handle = handle_of(fd);
    if (handle && (protection & PROT_WRITE) && (flags & MAP_SHARED)) {
        errno = ENOTSUP;
        die("writing through memory is not modelled:", handle->path);
    }
    return real_mmap(at, length, protection, flags, fd, offset);
}
void *mmap64(void *, size_t, int, int, int, off_t) __attribute__((alias("mmap")));

int statfs(const char *path, struct statfs *out)
{
    long long limit, room;
    int result = real_statfs(path, out);
    if (result || !find_quota(path, &limit, &room)) return result;
    out->f_blocks = limit / out->f_bsize;
    out->f_bfree = out->f_bavail = room / out->f_bsize;
    return 0;
}
int statfs64(const char *, struct statfs64 *) __attribute__((alias("statfs")));

int statvfs(const char *path, struct statvfs *out)
{
    long long limit, room;
    int result = real_statvfs(path, out);
    if (result || !find_quota(path, &limit, &room)) return result;
    out->f_blocks = limit / out->f_frsize;
    out->f_bfree = out->f_bavail = room / out->f_frsize;
    return 0;
}
int statvfs64(const char *, struct statvfs64 *) __attribute__((alias("statvfs")));

/* .NET looks up "libc" functions in libc itself, past what is preloaded. */
void *dlsym(void *library, const char *name)
{
    static const struct { const char *name; void *function; } ours[] = {
        { "open", (void *)open }, { "open64", (void *)open }, { "close", (void *)close }, { "fsync", (void *)fsync }, { "fdatasync", (void *)fdatasync },
        { "write", (void *)write }, { "rename", (void *)rename }, { "unlink", (void *)unlink },
    };
    if (!real_dlsym) next("dlsym");
    if (library != RTLD_NEXT && library != RTLD_DEFAULT)
        for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
            if (!strcmp(name, ours[i].name)) return ours[i].function;
    return real_dlsym(library, name);
}

#else

/* ---- The power loss: faultfs-tool ROOT STATE NAMES TAILS SEED
 *   NAMES  lost: creations, renamings and deletions that were not synced have not happened; kept: they have
 *   TAILS  what was appended to a file since its last sync: lost | prefix | torn (all but the last bytes) | garbage | zeros (there, but not what was
 *          written) | holes (some pages of it) | random (any of these, file by file)
 * ROOT is replaced by what is left. What it was is moved to STATE/before, and the layer starts afresh. Prints what it did to each file. */

static uint64_t generator;

static uint64_t draw(uint64_t below)
{
    generator += 0x9e3779b97f4a7c15ull;
    uint64_t z = generator;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return below ? (z ^ (z >> 31)) % below : 0;
}

enum tails { tails_lost, tails_prefix, tails_torn, tails_garbage, tails_zeros, tails_holes, tails_random };
static const char *tail_names[] = { "lost", "prefix", "torn", "garbage", "zeros", "holes", "random" };
static enum tails tails;
static int keeps_names;

/* Which file of ROOT an image belongs to. */
struct known { ino_t image, file; char *path; };
static struct known known[65536];
static size_t known_count;

static void find_images(const char *path, const char *name, void *context)
{
    (void)context;
    char full[PATH_MAX];
    struct stat found;
    if (lstat(format(full, "%s/%s", path, name), &found)) die("cannot stat", full);
    if (known_count == sizeof known / sizeof *known) die("too many images:", full);
    known[known_count++] = (struct known){ found.st_ino, strtoul(name, NULL, 10), NULL };
}

static void find_files(const char *path, const char *name, void *context)
{
    char full[PATH_MAX];
    struct stat found;
    if (lstat(format(full, "%s/%s", path, name), &found)) die("cannot stat", full);
    if (S_ISDIR(found.st_mode)) each_entry(full, find_files, context);
    else
        for (size_t i = 0; i < known_count; i++)
            if (known[i].file == found.st_ino) known[i].path = strdup(full);
}

static char *read_file(const char *path, size_t *size)
{
    struct stat found;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &found)) die("cannot open", path);
    char *bytes = malloc(found.st_size + 1);
    *size = found.st_size;
    for (size_t done = 0; done < *size;) {
        ssize_t got = read(fd, bytes + done, *size - done);
        if (got <= 0) die("cannot read", path);
        done += got;
    }
    close(fd);
    return bytes;
}

/* What is left of a tail in place; the new length. */
static size_t damage(char *tail, size_t length, enum tails how)
{
    size_t kept = draw(length + 1);
    switch (how) {
    case tails_prefix: return kept;
    case tails_torn: return length - 1 - draw(length < 512 ? length : 512);
    case tails_garbage:
        /* Some bytes of it: a record that is off by a single bit was written whole. */
        if (length - kept < 8) kept = length < 8 ? 0 : length - 8;
        for (size_t i = kept; i < length; i++) tail[i] = (char)draw(256);
        return length;
    case tails_zeros: memset(tail + kept, 0, length - kept); return length;
    case tails_holes:
        for (size_t at = 0; at < length; at += 4096)
            if (draw(2)) memset(tail + at, 0, length - at < 4096 ? length - at : 4096);
        return length;
    default: return 0;
    }
}

static void write_left(const char *durable, const char *file, const char *to)
{
    size_t size, full_size;
    char *bytes = read_file(durable, &size);
    if (file && strcmp(file, durable)) {
        char *full = read_file(file, &full_size);
        if (full_size > size && !memcmp(full, bytes, size)) {
            size_t tail = full_size - size;
            enum tails how = tails == tails_random ? (enum tails)draw(tails_random) : tails;
            /* RocksDB refuses it, and should: nothing tells it from damage to an edit that counted. */
            if (strstr(to, "/MANIFEST-") && (how == tails_garbage || how == tails_holes)) how = tails_prefix;
            size_t left = damage(full + size, tail, how);
            printf("%s: %zu bytes synced, %zu not: %s, %zu left\n", to, size, tail, tail_names[how], left);
            free(bytes);
            bytes = full;
            size += left;
        }
        else {
            if (full_size != size || memcmp(full, bytes, size)) printf("%s: %zu bytes synced, changes lost\n", to, size);
            free(full);
        }
    }
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (fd < 0) die("cannot create", to);
    for (size_t done = 0; done < size;) {
        ssize_t written = write(fd, bytes + done, size - done);
        if (written <= 0) die("cannot write", to);
        done += written;
    }
    close(fd);
    free(bytes);
}

struct composing { const char *to; };

static void compose_durable(const char *path, const char *name, void *context)
{
    char from[PATH_MAX], to[PATH_MAX], target[PATH_MAX], child[PATH_MAX];
    struct stat found;
    if (lstat(format(from, "%s/%s", path, name), &found)) die("cannot stat", from);
    format(to, "%s/%s", ((struct composing *)context)->to, name);
    if (S_ISLNK(found.st_mode)) {
        ssize_t length = readlink(from, target, sizeof target - 1);
        if (length < 0) die("cannot read", from);
        target[length] = 0;
        if (mkdir(to, 0755)) die("cannot make", to);
        struct composing composing = { to };
        format(child, "%s/dirs/%s", state, target + 3);
        /* A directory none of whose own names were synced. */
        if (!access(child, F_OK)) each_entry(child, compose_durable, &composing);
        return;
    }
    const char *file = NULL;
    for (size_t i = 0; i < known_count; i++)
        if (known[i].image == found.st_ino) file = known[i].path;
    write_left(from, file, to);
}

static void compose_current(const char *path, const char *name, void *context)
{
    char from[PATH_MAX], to[PATH_MAX], image[PATH_MAX];
    struct stat found;
    if (lstat(format(from, "%s/%s", path, name), &found)) die("cannot stat", from);
    format(to, "%s/%s", ((struct composing *)context)->to, name);
    if (S_ISDIR(found.st_mode)) {
        if (mkdir(to, 0755)) die("cannot make", to);
        struct composing composing = { to };
        each_entry(from, compose_current, &composing);
        return;
    }
    write_left(access(img_path(image, found.st_ino), F_OK) ? from : image, from, to);
}

static void remove_all(const char *path, const char *name, void *context)
{
    char full[PATH_MAX];
    struct stat found;
    format(full, "%s/%s", path, name);
    if (lstat(full, &found)) die("cannot stat", full);
    if (S_ISDIR(found.st_mode)) each_entry(full, remove_all, context);
    if (remove(full)) die("cannot remove", full);
}

int main(int count, char **arguments)
{
    if (count != 6) {
        fprintf(stderr, "usage: %s ROOT STATE lost|kept lost|prefix|torn|garbage|zeros|holes|random SEED\n", arguments[0]);
        return 2;
    }
    if (!realpath(arguments[1], root)) die("cannot find", arguments[1]);
    if (!realpath(arguments[2], state)) die("cannot find", arguments[2]);
    keeps_names = !strcmp(arguments[3], "kept");
    while (tails <= tails_random && strcmp(arguments[4], tail_names[tails])) tails++;
    if (tails > tails_random || (!keeps_names && strcmp(arguments[3], "lost"))) die("unknown", arguments[4]);
    generator = strtoull(arguments[5], NULL, 10);

    char left[PATH_MAX], before[PATH_MAX], path[PATH_MAX];
    struct stat found;
    if (stat(root, &found)) die("cannot stat", root);
    each_entry(format(path, "%s/img", state), find_images, NULL);
    each_entry(root, find_files, NULL);
    if (mkdir(format(left, "%s/left", state), 0755)) die("cannot make", left);
    struct composing composing = { left };
    if (keeps_names) each_entry(root, compose_current, &composing);
    else each_entry(dir_path(path, found.st_ino), compose_durable, &composing);

    format(before, "%s/before", state);
    if (!access(before, F_OK)) {
        each_entry(before, remove_all, NULL);
        rmdir(before);
    }
    if (rename(root, before) || rename(left, root)) die("cannot replace", root);
    each_entry(format(path, "%s/img", state), remove_all, NULL);
    each_entry(format(path, "%s/dirs", state), remove_all, NULL);
    return 0;
}

#endif
