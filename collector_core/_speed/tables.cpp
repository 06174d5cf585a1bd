// Rows of numbers → the columns of an array.

#include <cmath>
#include <vector>

#include "functions.hpp"

namespace {

// Whether two keys are tuples of the same texts; anything else is Python's business.
bool is_same(PyObject *key, PyObject *known) {
    if (!PyTuple_Check(key) || !PyTuple_Check(known) || PyTuple_Size(key) != PyTuple_Size(known))
        return false;
    for (Py_ssize_t place = 0; place < PyTuple_Size(key); place++) {
        PyObject *text = PyTuple_GetItem(key, place), *other = PyTuple_GetItem(known, place);
        if (text != other && !(PyUnicode_Check(text) && PyUnicode_Check(other) && PyUnicode_Compare(text, other) == 0))
            return false;
    }
    return true;
}

// What no metric refuses; NaN for anything else.
double number_of(PyObject *object) {
    const double number = PyFloat_Check(object) ? PyFloat_AsDouble(object)
                          : PyLong_Check(object) ? PyLong_AsDouble(object)
                                                 : NAN;
    return number >= 0 && std::isfinite(number) ? number : NAN;
}

// Adds the numbers of one row; whether there are as many as there are columns.
bool add_row(PyObject *row, Py_ssize_t columns, std::vector<double> &numbers) {
    if (!PyTuple_Check(row) || PyTuple_Size(row) != columns)
        return false;
    for (Py_ssize_t column = 0; column < columns; column++) {
        numbers.push_back(number_of(PyTuple_GetItem(row, column)));
        if (std::isnan(numbers.back()))
            return false;
    }
    return true;
}

}  // namespace

PyObject *put_rows(PyObject *, PyObject *arguments) {
    PyObject *rows, *keys, *array;
    Py_ssize_t start, columns;
    if (!PyArg_ParseTuple(arguments, "O!O!Onn", &PyDict_Type, &rows, &PyList_Type, &keys, &array, &start, &columns))
        return nullptr;
    const Numbers<double> values(array, "d");
    const Py_ssize_t count = PyList_Size(keys);
    if (PyDict_Size(rows) != count || count == 0)
        Py_RETURN_FALSE;
    if (start < 0 || columns < 0 || start > values.size() || columns > (values.size() - start) / count)
        refuse("a table has no room");
    std::vector<double> numbers;
    numbers.reserve(static_cast<size_t>(count * columns));
    PyObject *key, *row;
    for (Py_ssize_t position = 0, number = 0; PyDict_Next(rows, &position, &key, &row); number++)
        if (!is_same(key, PyList_GetItem(keys, number)) || !add_row(row, columns, numbers)) {
            PyErr_Clear();  // a whole number is too large
            Py_RETURN_FALSE;
        }
    double *table = values.data() + start;
    for (Py_ssize_t place = 0; place < count * columns; place++)
        if (!std::isnan(table[place]))
            Py_RETURN_FALSE;
    for (Py_ssize_t place = 0; place < count * columns; place++)
        table[place % columns * count + place / columns] = numbers[static_cast<size_t>(place)];
    Py_RETURN_TRUE;
}
