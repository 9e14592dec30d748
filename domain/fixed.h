/* Checked arithmetic on int64 through 128-bit intermediates. A result that does not fit sets *overflow and
 * returns 0: callers look at it before they change anything. Division says its rounding; divisors are > 0. */
#ifndef HASHBOOK_FIXED_H
#define HASHBOOK_FIXED_H
#include <stdint.h>

static inline int64_t fixed_narrow(__int128 value, int *overflow) {
  if (value > INT64_MAX || value < INT64_MIN) { *overflow = 1; return 0; }
  return (int64_t)value;
}
static inline int64_t fixed_mul(int64_t a, int64_t b, int *overflow) {
  return fixed_narrow((__int128)a * b, overflow);
}
static inline int64_t fixed_add(int64_t a, int64_t b, int *overflow) {
  return fixed_narrow((__int128)a + b, overflow);
}
static inline int64_t fixed_mul_div_floor(int64_t a, int64_t b, int64_t d, int *overflow) {
  __int128 p = (__int128)a * b, q = p / d;
  if (p % d != 0 && p < 0) q -= 1;
  return fixed_narrow(q, overflow);
}
static inline int64_t fixed_mul_div_ceil(int64_t a, int64_t b, int64_t d, int *overflow) {
  __int128 p = (__int128)a * b, q = p / d;
  if (p % d != 0 && p > 0) q += 1;
  return fixed_narrow(q, overflow);
}
#endif
