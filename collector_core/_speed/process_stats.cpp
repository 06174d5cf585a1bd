// /proc/PID/stat of many processes.

#include <algorithm>
#include <charconv>
#include <sys/stat.h>
#include <unistd.h>

#include "functions.hpp"

namespace {

constexpr size_t stat_size = 1024;  // which has less than that by far
constexpr int stat_fields = 22;     // from the state to the resident pages
constexpr long long most_ticks = 1LL << 60;

struct Stat {  // of a process; all 0 where it is not as usual, which is Python's business then
    long long state, cpu_ticks, threads, start;
};

// Digits and nothing else up to the next blank; negative for anything else.
long long number_at(const char *field, const char *end) {
    long long number = -1;
    const char *rest = std::from_chars(field, end, number).ptr;
    return rest < end && *rest == ' ' && number <= most_ticks ? number : -1;
}

Stat parse_stat(const char *text, const char *end) {
    const char *fields[stat_fields];
    const char *next = end;  // after the last bracket: the name before it may hold anything
    while (next > text && next[-1] != ')')
        next--;
    for (const char *&field : fields) {
        if (next == text || next == end)
            return {};
        field = ++next;
        next = std::find(next, end, ' ');
    }
    const long long user = number_at(fields[11], end), system = number_at(fields[12], end);
    const Stat stat{*fields[0], user + system, number_at(fields[17], end), number_at(fields[19], end)};
    return *fields[0] <= ' ' || user < 0 || system < 0 || stat.threads < 0 || stat.start < 0 ? Stat{} : stat;
}

Stat read_stat(int descriptor, bool is_kernels) {
    char text[stat_size];
    struct stat status;
    if (descriptor < 0 || (!is_kernels && (fstat(descriptor, &status) < 0 || status.st_nlink == 0)))
        return {};
    const ssize_t size = pread(descriptor, text, sizeof text, 0);
    return size > 0 ? parse_stat(text, text + size) : Stat{};
}

}  // namespace

PyObject *read_process_stats(PyObject *, PyObject *arguments) {
    PyObject *numbers, *places;
    int is_kernels;
    if (!PyArg_ParseTuple(arguments, "OpO", &numbers, &is_kernels, &places))
        return nullptr;
    const Numbers<int> descriptors(numbers, "i");
    const Numbers<long long> stats(places, "q");
    if (stats.size() != descriptors.size() * 4)
        refuse("four places are needed for each descriptor");
    auto *found = reinterpret_cast<Stat *>(stats.data());
    Py_BEGIN_ALLOW_THREADS;
    for (Py_ssize_t place = 0; place < descriptors.size(); place++)
        *found++ = read_stat(descriptors[place], is_kernels);
    Py_END_ALLOW_THREADS;
    Py_RETURN_NONE;
}
