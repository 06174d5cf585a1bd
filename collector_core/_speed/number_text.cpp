#include "number_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace {

constexpr double go_exponent = 1e6;  // from here on Prometheus writes exponents,
constexpr double least_fixed = 1e-4, end_of_fixed = 1e16;  // and outside of these Python does, too
constexpr double most_thousandths = 1e9;

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

}  // namespace

// A decimal of few digits that is read as the value is the shortest.
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
