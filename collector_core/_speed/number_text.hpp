// A number as the pure path writes it.

#pragma once

#include <cstddef>

constexpr size_t longest_number = 32;  // a double has at most 17 digits, a sign, a dot and e-324 or .000

// Writes at most `longest_number` characters: the shortest digits that are read as the value again, with Python's
// exponents or those of Prometheus. Returns where they end.
char *write_number(char *out, double value);
