from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport int64_t
from libcpp.optional cimport optional


cdef extern from "aliquot/arrow_abi.h" nogil:
    cdef struct ArrowArray:
        pass
    cdef struct ArrowSchema:
        pass

cdef extern from "aliquot/column.hpp" namespace "aliquot" nogil:
    cdef cppclass column:
        @staticmethod
        optional[column] view(const ArrowArray&, const ArrowSchema&)
        int64_t length()
        bint is_dictionary()
        optional[column] dictionary()


cdef inline optional[column] hashable_column(schema_capsule, array_capsule) except *:
    """The column that capsules hold, as long as they do; none if its values are of a type that has no hash."""
    cdef optional[column] view = column.view(
        (<ArrowArray*> PyCapsule_GetPointer(array_capsule, "arrow_array"))[0],
        (<ArrowSchema*> PyCapsule_GetPointer(schema_capsule, "arrow_schema"))[0],
    )
    cdef optional[column] values = view
    while values.has_value() and values.value().is_dictionary():
        values = values.value().dictionary()
    return view if values.has_value() else values
