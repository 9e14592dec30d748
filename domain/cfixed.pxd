"""Checked 128-bit products for Cython rooms; the C lives in fixed.h, the Python twin in arithmetic.py."""
from libc.stdint cimport int64_t

cdef extern from "fixed.h" nogil:
    int64_t fixed_mul(int64_t a, int64_t b, int *overflow) noexcept
    int64_t fixed_add(int64_t a, int64_t b, int *overflow) noexcept
    int64_t fixed_mul_div_floor(int64_t a, int64_t b, int64_t d, int *overflow) noexcept
    int64_t fixed_mul_div_ceil(int64_t a, int64_t b, int64_t d, int *overflow) noexcept
