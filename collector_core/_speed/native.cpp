// The compiled half of collector_core/_speed: lines of an exposition from their values.
//
// What it gets is Python's, and may be of any size or shape: every size is checked, and what does not fit is a ValueError.

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

namespace {

constexpr int version = 1;  // of what this module offers: VERSION in __init__.py is the same
constexpr size_t longest_number = 32;  // a double has at most 17 digits, a sign, a dot and e-324 or .000
constexpr Py_ssize_t group_size = 16;  // series that are compared together
constexpr double go_exponent = 1e6;    // from here on Prometheus writes exponents,
constexpr double least_fixed = 1e-4;   // and below here Python does, too,
constexpr double end_of_fixed = 1e16;  // and from here on, if the value is negative
constexpr double most_thousandths = 1e9;

struct Error {};  // thrown where Python's error is set

[[noreturn]] void refuse(const char *text) {
    PyErr_SetString(PyExc_ValueError, text);
    throw Error{};
}

struct Reference {  // one that is ours, and given back
    PyObject *object;
    explicit Reference(PyObject *taken) : object(taken) {
        if (!object)
            throw Error{};
    }
    Reference(const Reference &) = delete;
    Reference &operator=(const Reference &) = delete;
    ~Reference() { Py_XDECREF(object); }
    PyObject *release() { return std::exchange(object, nullptr); }
};

template <typename Item> class Numbers {  // an array.array of Python's, as long as this lives
  public:
    Numbers(PyObject *array, const char *code) {
        if (PyObject_GetBuffer(array, &view_, PyBUF_FORMAT | PyBUF_ND) < 0)
            throw Error{};
        const bool is_aligned = view_.len == 0 || reinterpret_cast<uintptr_t>(view_.buf) % alignof(Item) == 0;
        const bool is_right = view_.ndim == 1 && view_.format && std::strcmp(view_.format, code) == 0;
        if (!is_aligned || !is_right || view_.itemsize != sizeof(Item)) {
            PyBuffer_Release(&view_);
            refuse("an array of another type is needed");
        }
    }
    Numbers(const Numbers &) = delete;
    Numbers &operator=(const Numbers &) = delete;
    ~Numbers() { PyBuffer_Release(&view_); }
    Py_ssize_t size() const { return view_.len / view_.itemsize; }
    bool is_readonly() const { return view_.readonly; }
    Item *data() const { return static_cast<Item *>(view_.buf); }
    Item operator[](Py_ssize_t place) const { return data()[place]; }

  private:
    Py_buffer view_;
};

using Doubles = Numbers<double>;
using Places = Numbers<long long>;

template <typename... Format> char *write(char *out, Format... format) {
    return std::to_chars(out, out + longest_number, format...).ptr;
}

char *write(char *out, const char *text) {
    const size_t size = std::strlen(text);
    return static_cast<char *>(std::memcpy(out, text, size)) + size;
}

// At least one digit after the dot, at most three.
char *write_thousandths(char *out, int thousandths) {
    out = write(write(out, thousandths / 1000), ".");
    for (int rest = thousandths % 1000 * 10, digit = 0; digit == 0 || rest % 10000; rest = rest % 1000 * 10, digit++)
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

// Some bytes, and how far they have been read.
struct Text {
    const char *begin = nullptr, *next = nullptr, *end = nullptr;
    Text() = default;
    Text(const char *text, Py_ssize_t size) : begin(text), next(text), end(text + size) {}
    Py_ssize_t size() const { return end - next; }
    Py_ssize_t place() const { return next - begin; }
    Text up_to(long long last) {
        if (last < place() || last > end - begin)
            refuse("a group ends outside of its block");
        const char *first = std::exchange(next, begin + last);
        return {first, next - first};
    }
    Text line() {
        const auto *found = static_cast<const char *>(size() ? std::memchr(next, '\n', size()) : nullptr);
        if (!found)
            refuse("a block has fewer lines than values");
        return up_to(found + 1 - begin);
    }
};

Text text_of(PyObject *string) {
    Py_ssize_t size = 0;
    const char *text = PyUnicode_AsUTF8AndSize(string, &size);
    return text ? Text(text, size) : throw Error{};
}

Text bytes_of(PyObject *bytes) {
    char *text = nullptr;
    Py_ssize_t size = 0;
    return PyBytes_AsStringAndSize(bytes, &text, &size) < 0 ? throw Error{} : Text(text, size);
}

// The values of some series, and those before if there are any.
struct Values {
    const double *now;
    const double *before;
    Py_ssize_t count;
    Values part(Py_ssize_t first, Py_ssize_t most) const {
        return {now + first, before ? before + first : nullptr, std::min(most, count - first)};
    }
    bool are_the_same() const { return before && count && std::memcmp(now, before, count * sizeof *now) == 0; }
};

// Where the lines of some neighbours of a block end, without their values and with them, in bytes from its beginning.
struct Group {
    long long head_end;
    long long text_end;
};

// The lines of a block, in memory that the next one uses again.
class Lines {
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
            if (values.part(place, 1).are_the_same()) {
                add(line);
                continue;
            }
            add(head);
            end_[-1] = ' ';
            end_ = write_number(end_, values.now[place]);
            *end_++ = '\n';
        }
    }
    void add(Text text) { end_ = static_cast<char *>(std::memcpy(end_, text.next, text.size())) + text.size(); }

    std::vector<char> memory_;
    char *end_ = nullptr;
};

struct Layout {  // what comes from Python, of one size
    PyObject *heads;
    Places ends;
    Doubles values, before;
    PyObject *texts;
    Places groups;
    bool is_first() const { return before.size() == 0; }
    void check() const {
        const Py_ssize_t count = PyList_Size(heads);
        const bool fits = is_first() || (before.size() == values.size() && PyList_Size(texts) == count);
        if (ends.size() != count || !fits || groups.is_readonly())
            refuse("blocks and values do not fit together");
    }
};

PyObject *write_all(const Layout &layout) {
    const Py_ssize_t count = layout.ends.size();
    Reference result(PyList_New(count));
    Lines lines;
    auto *group = reinterpret_cast<Group *>(layout.groups.data());
    auto *const last_group = group + layout.groups.size() / 2;
    for (Py_ssize_t number = 0, start = 0; number < count; start = layout.ends[number++]) {
        if (layout.ends[number] < start || layout.ends[number] > layout.values.size())
            refuse("a block ends outside of the values");
        const Py_ssize_t size = layout.ends[number] - start, groups = (size + group_size - 1) / group_size;
        if (groups > last_group - group)
            refuse("there are more groups than places for them");
        const Values values{layout.values.data() + start, layout.is_first() ? nullptr : layout.before.data() + start, size};
        PyObject *old = layout.is_first() ? nullptr : PyList_GetItem(layout.texts, number);
        PyObject *text = values.are_the_same()
                             ? Py_NewRef(old)
                             : lines.write(text_of(PyList_GetItem(layout.heads, number)), old ? bytes_of(old) : Text{},
                                           values, group);
        if (!text)
            throw Error{};
        PyList_SetItem(result.object, number, text);
        group += groups;
    }
    return result.release();
}

PyObject *write_blocks(PyObject *, PyObject *arguments) {
    PyObject *heads, *ends, *values, *before, *texts, *groups;
    if (!PyArg_ParseTuple(arguments, "O!OOOO!O", &PyList_Type, &heads, &ends, &values, &before, &PyList_Type, &texts,
                          &groups))
        return nullptr;
    const Layout layout{heads, {ends, "q"}, {values, "d"}, {before, "d"}, texts, {groups, "q"}};
    layout.check();
    const Values all{layout.values.data(), layout.is_first() ? nullptr : layout.before.data(), layout.values.size()};
    return all.are_the_same() ? Py_NewRef(texts) : write_all(layout);
}

// A function that Python can call: what it throws becomes an exception there.
template <PyCFunction function> PyObject *guarded(PyObject *self, PyObject *arguments) {
    try {
        return function(self, arguments);
    } catch (const Error &) {
        return nullptr;
    } catch (const std::bad_alloc &) {
        return PyErr_NoMemory();
    }
}

PyMethodDef functions[] = {
    {"write_blocks", guarded<write_blocks>, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

int add_version(PyObject *module) { return PyModule_AddIntConstant(module, "VERSION", version); }

PyModuleDef_Slot slots[] = {
    {Py_mod_exec, reinterpret_cast<void *>(add_version)},
    {0, nullptr},
};

PyModuleDef definition = {PyModuleDef_HEAD_INIT, "native", nullptr, 0, functions, slots, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit_native() { return PyModuleDef_Init(&definition); }
