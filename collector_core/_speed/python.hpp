// What this module shares in talking to Python: exceptions, references, arrays and bytes.
// What Python hands over may be of any size or shape: all is checked, and what does not fit is a ValueError.

#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdint>
#include <cstring>
#include <memory>

struct Error {};  // thrown where Python's error is set

[[noreturn]] inline void refuse(const char *text) {
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
