/* What tests push to virtual phones and execute there: built for arm64, static, with a C library and its stdio.
 * With SAYS it plays a tool of an engine's: given a config.json it says that. With CRASHES it then ends by SIGSEGV. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#ifdef SAYS_FILE
#include SAYS_FILE
#endif

static int tell(int count, char **words) {
    char folder[4096], self[4096];
    struct utsname kernel;
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length < 0 ? 0 : length] = 0;
    uname(&kernel);
    for (int i = 0; i < count; i++) printf("word=%s\n", words[i]);
    printf("machine=%s\nexe=%s\ncwd=%s\n", kernel.machine, self, getcwd(folder, sizeof folder));
    printf("library_path=%s\npid=%d\n", getenv("LD_LIBRARY_PATH"), getpid());
    fprintf(stderr, "this is an error\n");
    return 7;
}

int main(int count, char **words) {
    const char *what = count > 1 ? words[1] : "";
    if (!strcmp(what, "tell")) return tell(count, words);
    if (!strcmp(what, "echo")) {
        for (int c; (c = getchar()) != EOF;) putchar(c);
        return 0;
    }
    if (!strcmp(what, "flood")) {
        for (int i = 0; i < atoi(words[2]); i++) printf("line %d of many\n", i);
        return 0;
    }
    if (!strcmp(what, "read")) {
        char line[4096];
        FILE *file = fopen(words[2], "r");
        if (!file) return 1;
        while (fgets(line, sizeof line, file)) fputs(line, stdout);
        return 0;
    }
#ifdef SAYS
    if (strstr(what, ".json")) {
        fputs(SAYS, stdout);
        fflush(stdout);
#ifdef CRASHES
        return *(volatile int *)0;
#endif
        return 0;
    }
#endif
    if (!strcmp(what, "crash")) return *(volatile int *)0;
    if (!strcmp(what, "wait")) {
        printf("waiting as %d\n", getpid());
        fflush(stdout);
        for (;;) pause();
    }
    return 2;
}
