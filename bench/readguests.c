/* Reads what the qemu plugin reads in one run, and does nothing with it but add up the CPU time.

   readguests PROC ROUNDS PID... : lists PROC, reads PROC/stat, PROC/PID/stat of every guest, and the command line of a
   thirtieth of all processes; prints the CPU milliseconds of each round. */

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char buffer[65536];

static ssize_t read_file(const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -1;
    ssize_t size = read(file, buffer, sizeof buffer - 1);
    close(file);
    if (size >= 0)
        buffer[size] = 0;
    return size;
}

static long cpu_ticks(void) {
    char *field = strrchr(buffer, ')');
    long user = 0, system = 0;
    if (field)
        sscanf(field + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld", &user, &system);
    return user + system;
}

static long one_round(const char *proc, int guests, char **pids) {
    char path[4096];
    long ticks = 0, number = 0;
    DIR *directory = opendir(proc);
    struct dirent *entry;
    while ((entry = readdir(directory)))
        if (isdigit((unsigned char)entry->d_name[0]) && number++ % 30 == 0) {
            snprintf(path, sizeof path, "%s/%s/cmdline", proc, entry->d_name);
            read_file(path);
        }
    closedir(directory);
    snprintf(path, sizeof path, "%s/stat", proc);
    read_file(path);
    for (int guest = 0; guest < guests; guest++) {
        snprintf(path, sizeof path, "%s/%s/stat", proc, pids[guest]);
        if (read_file(path) > 0)
            ticks += cpu_ticks();
    }
    return ticks;
}

int main(int count, char **arguments) {
    long ticks = 0;
    for (int round = atoi(arguments[2]); round > 0; round--) {
        struct timespec start, end;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
        ticks += one_round(arguments[1], count - 3, arguments + 3);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
        printf("%f\n", (end.tv_sec - start.tv_sec) * 1e3 + (end.tv_nsec - start.tv_nsec) / 1e6);
    }
    return ticks < 0;
}
