#include "number_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace {

constexpr double go_exponent = 1e6;  // from here on Prometheus writes exponents,
constexpr double least_fixed = 1e-4, end_of_fixed = 1e16;  // and outside of these Python does, too
constexpr double end_of_whole = 1e15, end_of_thousandths = 1e9;

template <typename... Format> char *write(char *out, Format... format) {
    return std::to_chars(out, out + longest_number, format...).ptr;
}

char *write(char *out, const char *text) { return std::copy_n(text, std::strlen(text), out); }

// Digits with a dot after the first one, without zeros at the end, and where the dot was.
char *write_exponent(char *out, long long whole) {
    char *end = write(out + 1, whole);
    const int exponent = static_cast<int>(end - out) - 2;
    out[0] = out[1];
    out[1] = '.';
    while (end[-1] == '0')
        end--;
    if (end[-1] == '.')
        end--;
    *end++ = 'e';
    *end++ = '+';
    *end++ = static_cast<char>('0' + exponent / 10);
    *end++ = static_cast<char>('0' + exponent % 10);
    return end;
}

// With at least one digit after the dot, and no zeros behind the others.
char *write_thousandths(char *out, int thousandths) {
    out = write(out, thousandths / 1000);
    *out++ = '.';
    for (int rest = thousandths % 1000 * 10, digit = 0; digit == 0 || rest; rest = rest % 1000 * 10, digit++)
        *out++ = static_cast<char>('0' + rest / 1000);
    return out;
}

}  // namespace

// A decimal of few digits that is read as the value is the shortest.
char *write_number(char *out, double value) {
    if (!std::isfinite(value))
        return write(out, std::isnan(value) ? "nan" : value > 0 ? "+Inf" : "-inf");
    const double size = std::fabs(value);
    if (value >= go_exponent && value < end_of_whole) {
        const auto whole = static_cast<long long>(value);
        if (static_cast<double>(whole) == value)
            return write_exponent(out, whole);
    }
    if (value >= go_exponent || size >= end_of_fixed || (size < least_fixed && size != 0))
        return write(out, value, std::chars_format::scientific);
    if (std::signbit(value))
        *out++ = '-';
    if (size * 1000 < end_of_thousandths) {
        const int thousandths = static_cast<int>(size * 1000 + 0.5);
        if (thousandths / 1000.0 == size)
            return write_thousandths(out, thousandths);
    }
    char *end = write(out, size, std::chars_format::fixed);
    return std::memchr(out, '.', end - out) ? end : write(end, ".0");
}
