/* os.c - the program's own operating system file: the engine's is base/, which
 * the program, being over the public headers alone, cannot see. */
#include "cli/os.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#include <windows.h>

void os_prepare(void)
{
    SetConsoleOutputCP(CP_UTF8);
    _setmode(_fileno(stdin), _O_BINARY);
    _setmode(_fileno(stdout), _O_BINARY);
}

bool os_is_terminal(FILE *stream)
{
    return _isatty(_fileno(stream)) != 0;
}

uint32_t os_terminal_width(FILE *stream)
{
    CONSOLE_SCREEN_BUFFER_INFO info;
    const HANDLE h = (HANDLE)_get_osfhandle(_fileno(stream));
    if (!GetConsoleScreenBufferInfo(h, &info))
        return 80;
    return (uint32_t)(info.srWindow.Right - info.srWindow.Left + 1);
}

uint64_t os_now_ns(void)
{
    LARGE_INTEGER now, rate;
    QueryPerformanceCounter(&now);
    QueryPerformanceFrequency(&rate);
    return (uint64_t)((double)now.QuadPart / (double)rate.QuadPart * 1e9);
}

uint64_t os_random(void)
{
    return os_now_ns() * 0x9e3779b97f4a7c15u ^ GetCurrentProcessId();
}

/* UTF-8 to UTF-16 memory to be freed; NULL when it is not UTF-8. */
static wchar_t *widen(const char *s)
{
    const int n = MultiByteToWideChar(CP_UTF8, 0, s, -1, NULL, 0);
    wchar_t *w = n > 0 ? malloc((size_t)n * sizeof *w) : NULL;
    if (w)
        MultiByteToWideChar(CP_UTF8, 0, s, -1, w, n);
    return w;
}

bool os_program_dir(char *out, size_t cap)
{
    wchar_t wide[MAX_PATH];
    const DWORD n = GetModuleFileNameW(NULL, wide, MAX_PATH);
    if (n == 0 || n == MAX_PATH ||
        !WideCharToMultiByte(CP_UTF8, 0, wide, -1, out, (int)cap, NULL, NULL))
        return false;
    char *slash = strrchr(out, '\\');
    if (!slash)
        return false;
    *slash = '\0';
    return true;
}

enum os_file_kind os_file_kind(const char *path)
{
    wchar_t *w = widen(path);
    const DWORD a = w ? GetFileAttributesW(w) : INVALID_FILE_ATTRIBUTES;
    free(w);
    if (a == INVALID_FILE_ATTRIBUTES)
        return OS_FILE_NONE;
    if (a & FILE_ATTRIBUTE_DIRECTORY)
        return OS_FILE_FOLDER;
    return a & FILE_ATTRIBUTE_DEVICE ? OS_FILE_OTHER : OS_FILE_REGULAR;
}

FILE *os_open(const char *path, const char *mode)
{
    wchar_t *p = widen(path), *m = widen(mode);
    FILE *f = p && m ? _wfopen(p, m) : NULL;
    free(p);
    free(m);
    return f;
}

FILE *os_create(const char *path)
{
    return os_open(path, "wbx");
}

bool os_replace(const char *from, const char *to)
{
    wchar_t *f = widen(from), *t = widen(to);
    const bool ok = f && t && MoveFileExW(f, t, MOVEFILE_REPLACE_EXISTING);
    free(f);
    free(t);
    return ok;
}

char *os_real_path(const char *path)
{
    (void)path;
    return NULL;
}

bool os_same_file(const char *a, const char *b)
{
    wchar_t *wa = widen(a), *wb = widen(b);
    wchar_t fa[4096], fb[4096];
    const bool same = wa && wb && GetFullPathNameW(wa, 4096, fa, NULL) &&
                      GetFullPathNameW(wb, 4096, fb, NULL) && _wcsicmp(fa, fb) == 0;
    free(wa);
    free(wb);
    return same;
}

void os_copy_mode(const char *from, FILE *to)
{
    (void)from;
    (void)to;
}

bool os_may_write(const char *path)
{
    return _access(path, 2) == 0;
}

uint32_t os_process_id(void)
{
    return GetCurrentProcessId();
}

bool os_make_folder(const char *path)
{
    wchar_t *w = widen(path);
    const bool ok = w && CreateDirectoryW(w, NULL);
    free(w);
    errno = ok ? 0 : EACCES;
    return ok;
}

uint64_t os_free_bytes(const char *folder)
{
    ULARGE_INTEGER n;
    wchar_t *w = widen(folder);
    const bool ok = w && GetDiskFreeSpaceExW(w, &n, NULL, NULL);
    free(w);
    return ok ? n.QuadPart : UINT64_MAX;
}

void os_unlink(const char *path)
{
    remove(path);
}

void os_on_lost_file(void (*fn)(int number))
{
    (void)fn; /* a mapped file cannot be shortened there */
}

_Noreturn void os_die(const char *text, int code)
{
    (void)_write(2, text, (unsigned)strlen(text));
    _exit(code);
}

void os_on_signals(void (*fn)(int number))
{
    signal(SIGINT, fn);
    signal(SIGTERM, fn);
}

#else
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

void os_prepare(void)
{
    /* A file opened later must not become the standard output by accident. */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0)
            break;
    signal(SIGPIPE, SIG_IGN);
}

bool os_is_terminal(FILE *stream)
{
    return isatty(fileno(stream)) == 1;
}

uint32_t os_terminal_width(FILE *stream)
{
    struct winsize size;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return 80;
    return size.ws_col;
}

uint64_t os_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t os_random(void)
{
    uint64_t v = 0;
    FILE *f = fopen("/dev/urandom", "rb");
    const bool ok = f && fread(&v, sizeof v, 1, f) == 1;
    if (f)
        fclose(f);
    return ok ? v : os_now_ns() * 0x9e3779b97f4a7c15u ^ os_process_id();
}

bool os_program_dir(char *out, size_t cap)
{
#ifdef __APPLE__
    uint32_t n = (uint32_t)cap;
    if (_NSGetExecutablePath(out, &n) != 0)
        return false;
#else
    const ssize_t n = readlink("/proc/self/exe", out, cap);
    if (n <= 0 || (size_t)n >= cap)
        return false;
    out[n] = '\0';
#endif
    char *slash = strrchr(out, '/');
    if (!slash)
        return false;
    *slash = '\0';
    return true;
}

enum os_file_kind os_file_kind(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return OS_FILE_NONE;
    if (S_ISREG(st.st_mode))
        return OS_FILE_REGULAR;
    return S_ISDIR(st.st_mode) ? OS_FILE_FOLDER : OS_FILE_OTHER;
}

FILE *os_open(const char *path, const char *mode)
{
    return fopen(path, mode);
}

FILE *os_create(const char *path)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return NULL;
    FILE *f = fdopen(fd, "wb");
    if (!f)
        close(fd);
    return f;
}

bool os_replace(const char *from, const char *to)
{
    return rename(from, to) == 0;
}

char *os_real_path(const char *path)
{
    return realpath(path, NULL);
}

/* The folder of `path` and its name in there. */
static bool find_folder(const char *path, struct stat *folder, const char **name)
{
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    if (!slash || slash == path)
        return stat(slash ? "/" : ".", folder) == 0;
    char *dir = strndup(path, (size_t)(slash - path));
    const bool ok = dir && stat(dir, folder) == 0;
    free(dir);
    return ok;
}

bool os_same_file(const char *a, const char *b)
{
    struct stat sa, sb;
    const bool have_a = stat(a, &sa) == 0, have_b = stat(b, &sb) == 0;
    if (have_a && have_b)
        return S_ISREG(sa.st_mode) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
    const char *name_a, *name_b;
    return have_a == have_b && find_folder(a, &sa, &name_a) &&
           find_folder(b, &sb, &name_b) && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino && strcmp(name_a, name_b) == 0;
}

void os_copy_mode(const char *from, FILE *to)
{
    struct stat st;
    if (stat(from, &st) == 0)
        (void)fchmod(fileno(to), st.st_mode & 0777);
}

bool os_may_write(const char *path)
{
    return access(path, W_OK) == 0;
}

uint32_t os_process_id(void)
{
    return (uint32_t)getpid();
}

bool os_make_folder(const char *path)
{
    return mkdir(path, 0777) == 0;
}

uint64_t os_free_bytes(const char *folder)
{
    struct statvfs v;
    return statvfs(folder, &v) == 0 ? (uint64_t)v.f_bavail * v.f_frsize : UINT64_MAX;
}

void os_unlink(const char *path)
{
    unlink(path);
}

void os_on_lost_file(void (*fn)(int number))
{
    struct sigaction act = {.sa_handler = fn};
    sigemptyset(&act.sa_mask);
    sigaction(SIGBUS, &act, NULL);
}

_Noreturn void os_die(const char *text, int code)
{
    const ssize_t n = write(2, text, strlen(text));
    (void)n;
    _exit(code);
}

void os_on_signals(void (*fn)(int number))
{
    static const int number[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
        struct sigaction old;
        /* nohup and background jobs of shells have them ignored: leave that. */
        if (sigaction(number[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN)
            continue;
        struct sigaction act = {.sa_handler = fn, .sa_flags = SA_RESTART};
        sigemptyset(&act.sa_mask);
        sigaction(number[i], &act, NULL);
    }
}
#endif

void os_today(int *year, int *month, int *day)
{
    const time_t now = time(NULL);
    struct tm t = {0};
#ifdef _WIN32
    const bool ok = localtime_s(&t, &now) == 0;
#else
    const bool ok = localtime_r(&now, &t) != NULL;
#endif
    *year = ok ? t.tm_year + 1900 : 0;
    *month = ok ? t.tm_mon + 1 : 0;
    *day = ok ? t.tm_mday : 0;
}
