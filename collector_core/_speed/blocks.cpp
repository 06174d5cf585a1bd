// Lines of an exposition from their values, block by block: what has not changed stays.

#include <algorithm>
#include <utility>
#include <vector>

#include "functions.hpp"
#include "number_text.hpp"

namespace {

constexpr Py_ssize_t group_size = 16;  // series that are compared together

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

}  // namespace

PyObject *write_blocks(PyObject *, PyObject *arguments) {
    PyObject *heads, *ends, *now, *old, *texts, *groups;
    auto *list = &PyList_Type;
    if (!PyArg_ParseTuple(arguments, "O!OOOO!O", list, &heads, &ends, &now, &old, list, &texts, &groups))
        return nullptr;
    const Layout layout{heads, texts, {ends, "q"}, {groups, "q"}, {now, "d"}, {old, "d"}};
    layout.check();
    return layout.block(0, layout.values.size()).are_the_same() ? Py_NewRef(texts) : write_all(layout);
}
