// The compiled half of collector_core/_speed: lines of an exposition from their values, and what many processes used.
// What it is handed may be of any size or shape: all is checked, and what does not fit is a ValueError.

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <exception>
#include <memory>
#include <utility>
#include <vector>
#include <sys/stat.h>
#include <unistd.h>

namespace {

constexpr int version = 2;  // of what this module offers: VERSION in __init__.py is the same
constexpr size_t longest_number = 32;  // a double has at most 17 digits, a sign, a dot and e-324 or .000
constexpr Py_ssize_t group_size = 16;  // series that are compared together
constexpr double go_exponent = 1e6;    // from here on Prometheus writes exponents,
constexpr double least_fixed = 1e-4, end_of_fixed = 1e16;  // and outside of these Python does, too
constexpr double most_thousandths = 1e9;
constexpr size_t stat_size = 1024;           // of /proc/PID/stat, which has less than that by far
constexpr int stat_fields = 22;              // from the state to the resident pages
constexpr long long most_ticks = 1LL << 60;

struct Error {};  // thrown where Python's error is set

[[noreturn]] void refuse(const char *text) {
    PyErr_SetString(PyExc_ValueError, text);
    throw Error{};
}

struct Release {
    void operator()(PyObject *object) const { Py_DECREF(object); }
};
using Reference = std::unique_ptr<PyObject, Release>;

template <typename Item> class Numbers {  // an array.array of Python's, as long as this lives
  public:
    Numbers(PyObject *array, const char *code) {
        if (PyObject_GetBuffer(array, &view_, PyBUF_FORMAT | PyBUF_ND | PyBUF_WRITABLE) < 0)
            throw Error{};
        const bool is_right = view_.ndim == 1 && view_.format && std::strcmp(view_.format, code) == 0;
        const bool is_aligned = view_.len == 0 || reinterpret_cast<uintptr_t>(view_.buf) % alignof(Item) == 0;
        if (!is_right || !is_aligned || view_.itemsize != sizeof(Item)) {
            PyBuffer_Release(&view_);
            refuse("an array of another type is needed");
        }
    }
    Numbers(const Numbers &) = delete;
    ~Numbers() { PyBuffer_Release(&view_); }
    Py_ssize_t size() const { return view_.len / view_.itemsize; }
    Item *data() const { return static_cast<Item *>(view_.buf); }
    Item operator[](Py_ssize_t place) const { return data()[place]; }

  private:
    Py_buffer view_;
};

template <typename... Format> char *write(char *out, Format... format) {
    return std::to_chars(out, out + longest_number, format...).ptr;
}

char *write(char *out, const char *text) { return std::copy_n(text, std::strlen(text), out); }

char *write_thousandths(char *out, int thousandths) {
    out = write(write(out, thousandths / 1000), ".");
    for (int rest = thousandths % 1000 * 10, digit = 0; digit == 0 || rest; rest = rest % 1000 * 10, digit++)
        *out++ = static_cast<char>('0' + rest / 1000);
    return out;
}

// A value as the pure path writes it, at most `longest_number` long: the shortest digits that are read as it again,
// with Python's exponents or those of Prometheus. A decimal of few digits that is read as it is the shortest.
char *write_number(char *out, double value) {
    if (!std::isfinite(value))
        return write(out, std::isnan(value) ? "nan" : value > 0 ? "+Inf" : "-inf");
    const double size = std::fabs(value);
    if (value >= go_exponent || size >= end_of_fixed || (size < least_fixed && size != 0))
        return write(out, value, std::chars_format::scientific);
    if (std::signbit(value))
        *out++ = '-';
    const double thousandths = std::nearbyint(size * 1000);
    if (thousandths < most_thousandths && thousandths / 1000 == size)
        return write_thousandths(out, static_cast<int>(thousandths));
    char *end = write(out, size, std::chars_format::fixed);
    return std::memchr(out, '.', end - out) ? end : write(end, ".0");
}

struct Text {  // some bytes, and how far they have been read
    const char *begin, *next, *end;
    Text(const char *text = nullptr, Py_ssize_t size = 0) : begin(text), next(text), end(text + size) {}
    Py_ssize_t size() const { return end - next; }
    Py_ssize_t place() const { return next - begin; }
    Text up_to(long long last) {
        if (last < place() || last > end - begin)
            refuse("a group ends outside of its block");
        const char *first = std::exchange(next, begin + last);
        return {first, next - first};
    }
    Text line() {
        const void *found = size() ? std::memchr(next, '\n', size()) : nullptr;
        if (!found)
            refuse("a block has fewer lines than values");
        return up_to(static_cast<const char *>(found) + 1 - begin);
    }
};

Text bytes_of(PyObject *bytes) {
    char *text = nullptr;
    Py_ssize_t size = 0;
    return PyBytes_AsStringAndSize(bytes, &text, &size) < 0 ? throw Error{} : Text(text, size);
}

struct Values {  // of some series, and those before if there are any
    const double *now, *before;
    Py_ssize_t count;
    Values part(Py_ssize_t first, Py_ssize_t most) const {
        return {now + first, before ? before + first : nullptr, std::min(most, count - first)};
    }
    bool are_the_same() const { return before && count && std::memcmp(now, before, count * sizeof *now) == 0; }
};

struct Group {  // where the lines of neighbours in a block end, without their values and with them
    long long head_end, text_end;
};

class Lines {  // of a block, in memory that the next one uses again
  public:
    PyObject *write(Text heads, Text old, const Values &values, Group *group) {
        memory_.resize(std::max<size_t>(memory_.size(), heads.size() + old.size() + values.count * (longest_number + 1)));
        end_ = memory_.data();
        for (Py_ssize_t first = 0; first < values.count; first += group_size, group++) {
            const Values part = values.part(first, group_size);
            if (part.are_the_same()) {
                heads.up_to(group->head_end);
                add(old.up_to(group->text_end));
            } else {
                write_group(heads, old, part);
            }
            *group = {heads.place(), end_ - memory_.data()};
        }
        return PyBytes_FromStringAndSize(memory_.data(), end_ - memory_.data());
    }

  private:
    void write_group(Text &heads, Text &old, const Values &values) {
        for (Py_ssize_t place = 0; place < values.count; place++) {
            const Text head = heads.line(), line = values.before ? old.line() : Text{};
            const bool is_the_same = values.part(place, 1).are_the_same();
            add(is_the_same ? line : head);
            if (!is_the_same) {
                end_[-1] = ' ';
                end_ = write_number(end_, values.now[place]);
                *end_++ = '\n';
            }
        }
    }
    void add(Text text) { end_ = static_cast<char *>(std::memcpy(end_, text.next, text.size())) + text.size(); }

    std::vector<char> memory_;
    char *end_ = nullptr;
};

struct Layout {  // what comes from Python
    PyObject *heads, *texts;
    Numbers<long long> ends, groups;
    Numbers<double> values, before;
    Values block(Py_ssize_t start, long long end) const {
        if (end < start || end > values.size())
            refuse("a block ends outside of the values");
        const double *old = before.size() ? before.data() + start : nullptr;
        return {values.data() + start, old, static_cast<Py_ssize_t>(end - start)};
    }
    void check() const {
        const bool fits = before.size() == 0 || (before.size() == values.size() && PyList_Size(texts) == ends.size());
        if (PyList_Size(heads) != ends.size() || !fits)
            refuse("blocks and values do not fit together");
    }
};

PyObject *write_block(const Layout &layout, Py_ssize_t number, const Values &values, Group *groups, Lines &lines) {
    PyObject *heads = PyList_GetItem(layout.heads, number);
    PyObject *old = values.before ? PyList_GetItem(layout.texts, number) : nullptr;
    const bool is_the_same = values.are_the_same();
    return is_the_same ? Py_NewRef(old) : lines.write(bytes_of(heads), old ? bytes_of(old) : Text(), values, groups);
}

PyObject *write_all(const Layout &layout) {
    const Py_ssize_t count = layout.ends.size();
    Reference texts(PyList_New(count));
    Lines lines;
    auto *groups = reinterpret_cast<Group *>(layout.groups.data());
    const auto *last = groups + layout.groups.size() / 2;
    for (Py_ssize_t number = 0, start = 0; texts && number < count; start = layout.ends[number++]) {
        const Values values = layout.block(start, layout.ends[number]);
        const Py_ssize_t size = (values.count + group_size - 1) / group_size;
        if (size > last - groups)
            refuse("there are more groups than places for them");
        PyObject *text = write_block(layout, number, values, groups, lines);
        if (!text)
            return nullptr;
        PyList_SetItem(texts.get(), number, text);
        groups += size;
    }
    return texts.release();
}

PyObject *write_blocks(PyObject *, PyObject *arguments) {
    PyObject *heads, *ends, *now, *old, *texts, *groups;
    auto *list = &PyList_Type;
    if (!PyArg_ParseTuple(arguments, "O!OOOO!O", list, &heads, &ends, &now, &old, list, &texts, &groups))
        return nullptr;
    const Layout layout{heads, texts, {ends, "q"}, {groups, "q"}, {now, "d"}, {old, "d"}};
    layout.check();
    return layout.block(0, layout.values.size()).are_the_same() ? Py_NewRef(texts) : write_all(layout);
}

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

// A function that Python can call: what it throws becomes an exception there.
template <PyCFunction function> PyObject *guarded(PyObject *self, PyObject *arguments) {
    try {
        return function(self, arguments);
    } catch (const Error &) {
        return nullptr;
    } catch (const std::exception &) {  // there is no memory, or not as much as would be needed
        return PyErr_NoMemory();
    }
}

PyMethodDef functions[] = {
    {"write_blocks", guarded<write_blocks>, METH_VARARGS, nullptr},
    {"read_process_stats", guarded<read_process_stats>, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {PyModuleDef_HEAD_INIT, "native", nullptr, -1, functions, nullptr, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit_native() {
    Reference module(PyModule_Create(&definition));
    return module && PyModule_AddIntConstant(module.get(), "VERSION", version) == 0 ? module.release() : nullptr;
}
