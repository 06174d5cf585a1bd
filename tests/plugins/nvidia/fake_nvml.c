/* A library libnvidia-ml.so.1 that says what a file says: $FAKE_NVML names it, and it is read again at every call.
 *
 *   gpus 2                  how many there are
 *   1 power 71250           what GPU 1 says, in NVML's units; `*` is every GPU
 *   1 power error 15        the nvmlReturn_t it answers instead
 *   1 power hang            it does not return until the file says something else
 *   shutdown 800            ending NVML takes so many milliseconds
 *   1 pci 00000000:01:00.0  its address on the PCI bus
 *
 * With $FAKE_NVML_LOG, a line for each call that starts or ends NVML or concerns a GPU: what it asked for, and which GPU.
 * The last line that fits counts. What no line speaks of is not supported (error 3). Written from NVML's public API.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OK = 0, UNINITIALIZED = 1, NOT_SUPPORTED = 3, NOT_FOUND = 6, TOO_SMALL = 7, MAX_GPUS = 64, MAX_SLICES = 2 };

static struct { int gpu, slice; } gpus[MAX_GPUS], slices[MAX_GPUS][MAX_SLICES];
static int initialised; /* counts, as in NVML: the last of several users shuts it down */

static void note(const char *what, int gpu)
{
    const char *path = getenv("FAKE_NVML_LOG");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file)
        return;
    fprintf(file, "%s %d\n", what, gpu);
    fclose(file);
}

/* The words after `key` on the last line for `gpu` (-1: lines without a GPU); whether there is one. */
static int find(int gpu, const char *key, char *value, size_t size)
{
    char line[512], who[16], name[64];
    const char *path = getenv("FAKE_NVML");
    FILE *file = path ? fopen(path, "r") : NULL;
    int found = 0, at;
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        if (gpu < 0 ? sscanf(line, "%63s %n", name, &at) != 1
                    : sscanf(line, "%15s %63s %n", who, name, &at) != 2 || (strcmp(who, "*") && atoi(who) != gpu))
            continue;
        if (!strcmp(name, key)) {
            snprintf(value, size, "%s", line + at);
            found = 1;
        }
    }
    fclose(file);
    return found;
}

static int text(int gpu, const char *key, char *value, size_t size)
{
    char said[256];
    int code;
    if (gpu >= 0)
        note(key, gpu);
    while (find(gpu, key, said, sizeof said) && !strcmp(said, "hang"))
        usleep(5000);
    if (!find(gpu, key, said, sizeof said))
        return NOT_SUPPORTED;
    if (sscanf(said, "error %d", &code) == 1)
        return code;
    if (strlen(said) >= size)
        return TOO_SMALL;
    strcpy(value, said);
    return OK;
}

static int number(int gpu, const char *key, unsigned long long *value)
{
    char said[64];
    int code = initialised ? text(gpu, key, said, sizeof said) : UNINITIALIZED;
    if (code == OK)
        *value = strtoull(said, NULL, 10);
    return code;
}

static int number32(int gpu, const char *key, unsigned *value)
{
    unsigned long long wide;
    int code = number(gpu, key, &wide);
    if (code == OK)
        *value = (unsigned)wide;
    return code;
}

static int of(void *handle) { return *(int *)handle; }
static int slice_of(void *handle) { return ((int *)handle)[1]; }

int nvmlInitWithFlags(unsigned flags)
{
    char said[64];
    int code = text(-1, "init", said, sizeof said);
    (void)flags;
    note("init", -1);
    if (code != OK && code != NOT_SUPPORTED)
        return code;
    initialised++;
    for (int gpu = 0; gpu < MAX_GPUS; gpu++) {
        gpus[gpu].gpu = gpu;
        gpus[gpu].slice = -1;
        for (int slice = 0; slice < MAX_SLICES; slice++) {
            slices[gpu][slice].gpu = gpu;
            slices[gpu][slice].slice = slice;
        }
    }
    return OK;
}
int nvmlShutdown(void)
{
    char said[64];
    if (text(-1, "shutdown", said, sizeof said) == OK)
        usleep(1000 * (unsigned)atoi(said));
    note("shutdown", -1);
    return initialised > 0 ? (initialised--, OK) : UNINITIALIZED;
}
const char *nvmlErrorString(int code) { static char said[32]; snprintf(said, sizeof said, "fake error %d", code); return said; }
int nvmlSystemGetDriverVersion(char *value, unsigned size) { return initialised ? text(-1, "driver", value, size) : UNINITIALIZED; }
int nvmlSystemGetProcessName(unsigned pid, char *value, unsigned size) { (void)pid; return text(-1, "process", value, size); }
int nvmlDeviceGetCount_v2(unsigned *count) { return number32(-1, "gpus", count); }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle)
{
    unsigned long long code = OK;
    *handle = &gpus[index];
    return number((int)index, "handle", &code) == NOT_SUPPORTED ? OK : (int)code;
}
int nvmlDeviceGetHandleByUUID(const char *uuid, void **handle)
{
    char said[96];
    for (unsigned index = 0; index < MAX_GPUS; index++)
        if (text((int)index, "uuid", said, sizeof said) == OK && !strcmp(said, uuid))
            return nvmlDeviceGetHandleByIndex_v2(index, handle);
    return NOT_FOUND;
}
int nvmlDeviceGetHandleByPciBusId_v2(const char *address, void **handle)
{
    char line[96], said[96];
    for (int index = 0; index < MAX_GPUS; index++)
        if (find(index, "pci", line, sizeof line) && sscanf(line, "0000%95s", said) == 1 && !strcmp(said, address))
            return nvmlDeviceGetHandleByIndex_v2((unsigned)index, handle);
    return NOT_FOUND;
}
struct pci { char legacy[16]; unsigned domain, bus, device, ids, subsystem; char address[32]; };
int nvmlDeviceGetPciInfo_v3(void *gpu, struct pci *value) { return text(of(gpu), "pci", value->address, sizeof value->address); }
int nvmlDeviceGetIndex(void *gpu, unsigned *value) { *value = (unsigned)of(gpu); return OK; }
int nvmlDeviceGetName(void *gpu, char *value, unsigned size) { return text(of(gpu), slice_of(gpu) < 0 ? "name" : "slice_name", value, size); }
int nvmlDeviceGetUUID(void *gpu, char *value, unsigned size)
{
    if (slice_of(gpu) < 0)
        return text(of(gpu), "uuid", value, size);
    snprintf(value, size, "MIG-%d-%d", of(gpu), slice_of(gpu));
    return OK;
}
int nvmlDeviceGetPowerUsage(void *gpu, unsigned *value) { return slice_of(gpu) < 0 ? number32(of(gpu), "power", value) : NOT_SUPPORTED; }
int nvmlDeviceGetEnforcedPowerLimit(void *gpu, unsigned *value) { return number32(of(gpu), "limit", value); }
int nvmlDeviceGetTotalEnergyConsumption(void *gpu, unsigned long long *value) { return number(of(gpu), "energy", value); }
int nvmlDeviceGetTemperature(void *gpu, int sensor, unsigned *value) { (void)sensor; return number32(of(gpu), "temperature", value); }
struct temperature { unsigned version; int sensor, celsius; };
int nvmlDeviceGetTemperatureV(void *gpu, struct temperature *value) { return number32(of(gpu), "temperature", (unsigned *)&value->celsius); }
int nvmlDeviceGetFanSpeed(void *gpu, unsigned *value) { return number32(of(gpu), "fan", value); }
int nvmlDeviceGetClockInfo(void *gpu, int kind, unsigned *value)
{
    static const char *keys[] = { "clock_graphics", "clock_sm", "clock_memory", "clock_video" };
    return number32(of(gpu), keys[kind], value);
}
int nvmlDeviceGetCurrentClocksThrottleReasons(void *gpu, unsigned long long *value) { return number(of(gpu), "reasons", value); }
int nvmlDeviceGetTotalEccErrors(void *gpu, int kind, int since, unsigned long long *value)
{
    (void)since;
    return number(of(gpu), kind ? "ecc_uncorrected" : "ecc_corrected", value);
}
int nvmlDeviceGetPcieThroughput(void *gpu, int direction, unsigned *value) { return number32(of(gpu), direction ? "pcie_receive" : "pcie_transmit", value); }
int nvmlDeviceGetEncoderUtilization(void *gpu, unsigned *value, unsigned *period) { *period = 1; return number32(of(gpu), "encoder", value); }
int nvmlDeviceGetDecoderUtilization(void *gpu, unsigned *value, unsigned *period) { *period = 1; return number32(of(gpu), "decoder", value); }

struct rates { unsigned gpu, memory; };
int nvmlDeviceGetUtilizationRates(void *gpu, struct rates *value)
{
    int code = number32(of(gpu), "utilization", &value->gpu);
    return code ? code : number32(of(gpu), "memory_utilization", &value->memory);
}

struct memory { unsigned long long total, free, used; };
int nvmlDeviceGetMemoryInfo(void *gpu, struct memory *value)
{
    int whole = slice_of(gpu) < 0, code = number(of(gpu), whole ? "memory_used_v1" : "slice_used", &value->used);
    return code ? code : number(of(gpu), whole ? "memory_total" : "slice_total", &value->total);
}
struct memory2 { unsigned version; unsigned long long total, reserved, free, used; };
int nvmlDeviceGetMemoryInfo_v2(void *gpu, struct memory2 *value)
{
    int code = number(of(gpu), "memory_used", &value->used);
    return code ? code : number(of(gpu), "memory_total", &value->total);
}

int nvmlDeviceGetMigMode(void *gpu, unsigned *now, unsigned *next) { *next = 0; return number32(of(gpu), "mig", now); }
int nvmlDeviceGetMaxMigDeviceCount(void *gpu, unsigned *value) { (void)gpu; *value = 7; return OK; }
int nvmlDeviceGetMigDeviceHandleByIndex(void *gpu, unsigned slice, void **handle)
{
    if (slice >= MAX_SLICES)
        return NOT_FOUND;
    *handle = &slices[of(gpu)][slice];
    return OK;
}

struct process { unsigned pid; unsigned long long memory; unsigned gpu_instance, compute_instance; };
static int processes(const char *key, void *gpu, unsigned *count, struct process *list)
{
    unsigned long long memory;
    int code = number(of(gpu), key, &memory);
    if (code)
        return code == NOT_SUPPORTED ? (*count = 0, OK) : code;
    if (*count < 1) {
        *count = 1;
        return TOO_SMALL;
    }
    *count = 1;
    list[0] = (struct process){ 4711, memory, 0, 0 };
    return OK;
}
int nvmlDeviceGetComputeRunningProcesses_v3(void *gpu, unsigned *count, struct process *list) { return processes("compute", gpu, count, list); }
int nvmlDeviceGetGraphicsRunningProcesses_v3(void *gpu, unsigned *count, struct process *list) { return processes("graphics", gpu, count, list); }

struct field { unsigned id, scope; long long time, latency; int type, code; union { unsigned narrow; unsigned long long wide; } value; };
int nvmlDeviceGetFieldValues(void *gpu, int count, struct field *fields)
{
    for (int i = 0; i < count; i++)
        fields[i].code = fields[i].id == 82 ? number32(of(gpu), "memory_temperature", &fields[i].value.narrow) : NOT_SUPPORTED;
    return OK;
}

struct process_sample { unsigned pid; unsigned long long time; unsigned sm, memory, encoder, decoder; };
int nvmlDeviceGetProcessUtilization(void *gpu, struct process_sample *list, unsigned *count, unsigned long long since)
{
    unsigned long long percent, time;
    int code = number(of(gpu), "process_utilization", &percent);
    if (code)
        return code;
    if (number(of(gpu), "process_time", &time) || time <= since)
        return NOT_FOUND;
    if (!list || *count < 1) {
        *count = 1;
        return TOO_SMALL;
    }
    *count = 1;
    list[0] = (struct process_sample){ 4711, time, (unsigned)percent, 0, 0, 0 };
    return OK;
}
