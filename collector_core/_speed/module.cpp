// The compiled half of collector_core/_speed as a module of Python.

#include <exception>

#include "functions.hpp"

namespace {

constexpr int version = 5;  // of what this module offers: VERSION in __init__.py is the same

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
    {"put_rows", guarded<put_rows>, METH_VARARGS, nullptr},
    {"read_words", guarded<read_words>, METH_VARARGS, nullptr},
    {"read_process_stats", guarded<read_process_stats>, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef definition = {PyModuleDef_HEAD_INIT, "native", nullptr, -1, functions, nullptr, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit_native() {
    Reference module(PyModule_Create(&definition));
    return module && PyModule_AddIntConstant(module.get(), "VERSION", version) == 0 ? module.release() : nullptr;
}
