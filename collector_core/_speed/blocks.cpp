// Lines of an exposition from their values, block by block: what has not changed stays.

#include <algorithm>
#include <utility>
#include <vector>

#include "functions.hpp"
#include "number_text.hpp"

namespace {

constexpr Py_ssize_t group_size = 16;  // series that are compared together

struct Text {  // some bytes: from where on they were not taken yet, and how far they have been read
    const char *begin, *rest, *next, *end;
    Text(const char *text, Py_ssize_t size) : begin(text), rest(text), next(text), end(text + size) {}
    Py_ssize_t waiting() const { return next - rest; }
    void go_to(long long place) {
        if (place < next - begin || place > end - begin)
            refuse("a group ends outside of its block");
        next = begin + place;
    }
    void skip_lines(Py_ssize_t count) {
        while (count-- > 0) {
            const void *found = next < end ? std::memchr(next, '\n', end - next) : nullptr;
            if (!found)
                refuse("a block has fewer lines than values");
            next = static_cast<const char *>(found) + 1;
        }
    }
    const char *skip_line_to_value() {  // returns where its value begins
        const char *first = next;
        skip_lines(1);
        const char *value = next;
        while (value > first && value[-1] != ' ')
            value--;
        return value;
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
    bool is_the_same(Py_ssize_t place) const {
        return before && std::memcmp(now + place, before + place, sizeof *now) == 0;
    }
};

class Lines {  // of a block, in memory that the next one uses again
  public:
    PyObject *write(Text old, const Values &values, long long *group_end) {
        memory_.resize(std::max<size_t>(memory_.size(), (old.end - old.begin) + values.count * (longest_number + 1)));
        end_ = memory_.data();
        for (Py_ssize_t first = 0; first < values.count; first += group_size, group_end++) {
            const Values part = values.part(first, group_size);
            if (part.are_the_same())
                old.go_to(*group_end);
            else
                write_group(old, part);
            *group_end = end_ - memory_.data() + old.waiting();
        }
        add(old.rest, old.next);
        return PyBytes_FromStringAndSize(memory_.data(), end_ - memory_.data());
    }

  private:
    void write_group(Text &old, const Values &values) {  // what is the same waits in `old`
        Py_ssize_t same = 0;
        for (Py_ssize_t place = 0; place < values.count; place++) {
            if (values.is_the_same(place)) {
                same++;
                continue;
            }
            old.skip_lines(std::exchange(same, 0));
            add(old.rest, old.skip_line_to_value());
            old.rest = old.next;
            end_ = write_number(end_, values.now[place]);
            *end_++ = '\n';
        }
        old.skip_lines(same);
    }
    void add(const char *text, const char *end) { end_ = std::copy(text, end, end_); }

    std::vector<char> memory_;
    char *end_ = nullptr;
};

struct Layout {  // what comes from Python
    PyObject *texts;
    Numbers<long long> ends, group_ends;
    Numbers<double> values, before;
    Values block(Py_ssize_t start, long long end) const {
        if (end < start || end > values.size())
            refuse("a block ends outside of the values");
        const double *old = before.size() ? before.data() + start : nullptr;
        return {values.data() + start, old, static_cast<Py_ssize_t>(end - start)};
    }
    void check() const {
        if (PyList_Size(texts) != ends.size() || (before.size() != 0 && before.size() != values.size()))
            refuse("blocks and values do not fit together");
    }
};

PyObject *write_all(const Layout &layout) {
    const Py_ssize_t count = layout.ends.size();
    Reference texts(PyList_New(count));
    Lines lines;
    long long *group_ends = layout.group_ends.data();
    const long long *last = group_ends + layout.group_ends.size();
    for (Py_ssize_t number = 0, start = 0; texts && number < count; start = layout.ends[number++]) {
        const Values values = layout.block(start, layout.ends[number]);
        const Py_ssize_t size = (values.count + group_size - 1) / group_size;
        if (size > last - group_ends)
            refuse("there are more groups than places for them");
        PyObject *old = PyList_GetItem(layout.texts, number);
        PyObject *text = values.are_the_same() ? Py_NewRef(old) : lines.write(bytes_of(old), values, group_ends);
        if (!text)
            return nullptr;
        PyList_SetItem(texts.get(), number, text);
        group_ends += size;
    }
    return texts.release();
}

}  // namespace

PyObject *write_blocks(PyObject *, PyObject *arguments) {
    PyObject *texts, *ends, *now, *old, *group_ends;
    if (!PyArg_ParseTuple(arguments, "O!OOOO", &PyList_Type, &texts, &ends, &now, &old, &group_ends))
        return nullptr;
    const Layout layout{texts, {ends, "q"}, {group_ends, "q"}, {now, "d"}, {old, "d"}};
    layout.check();
    return layout.block(0, layout.values.size()).are_the_same() ? Py_NewRef(texts) : write_all(layout);
}
