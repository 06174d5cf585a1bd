// Numbers at certain words of a text whose other words are known.

#include <algorithm>
#include <charconv>
#include <cmath>

#include "functions.hpp"

namespace {

constexpr long long same = -1, other = -2;  // uses of words; those of numbers are their places

bool is_blank(char character) { return character == ' ' || (character >= '\t' && character <= '\r'); }

struct Words {  // one after the other
    const char *next, *end;
    const char *begin = nullptr;
    bool advance() {
        begin = std::find_if_not(next, end, is_blank);
        next = std::find_if(begin, end, is_blank);
        return begin != end;
    }
};

bool belongs_to_number(char character) { return character == '.' || (character >= '0' && character <= '9'); }

bool is_next(const Words &word, Words &names) {
    return names.advance() && std::equal(word.begin, word.next, names.begin, names.next);
}

// Whether a word is a number, which is divided by what stands where it is wanted; how many points it may have is
// from_chars' business.
bool take(const Words &word, double *wanted) {
    if (!std::all_of(word.begin, word.next, belongs_to_number))
        return false;
    if (wanted == nullptr)
        return true;
    double number = 0;
    const auto [rest, error] = std::from_chars(word.begin, word.next, number);
    *wanted = number / *wanted;
    return error == std::errc() && rest == word.next && std::isfinite(*wanted);
}

}  // namespace

PyObject *read_words(PyObject *, PyObject *arguments) {
    const char *text, *names;
    Py_ssize_t size, names_size;
    PyObject *places, *array;
    if (!PyArg_ParseTuple(arguments, "y#Oy#O", &text, &size, &places, &names, &names_size, &array))
        return nullptr;
    const Numbers<long long> uses(places, "q");
    const Numbers<double> numbers(array, "d");
    Words word{text, text + size}, name{names, names + names_size};
    for (Py_ssize_t place = 0; place < uses.size(); place++) {
        const long long use = uses[place];
        if (use < other || use >= numbers.size())
            refuse("a number has no place");
        double *wanted = use < 0 ? nullptr : numbers.data() + use;
        if (!word.advance() || !(use == same ? is_next(word, name) : take(word, wanted)))
            Py_RETURN_FALSE;
    }
    return PyBool_FromLong(!word.advance());
}
