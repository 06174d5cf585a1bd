// What the module offers to Python; native.pyi says what each takes and returns.

#pragma once

#include "python.hpp"

PyObject *put_rows(PyObject *, PyObject *arguments);
PyObject *read_process_stats(PyObject *, PyObject *arguments);
PyObject *read_words(PyObject *, PyObject *arguments);
PyObject *write_blocks(PyObject *, PyObject *arguments);
