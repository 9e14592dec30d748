/* Zeroed slabs, aligned so that no record straddles cache lines. Large ones are backed by huge pages where the system
 * grants them on request: random access over megabytes of orders is otherwise paid in page-table walks. */
#ifndef HASHBOOK_SLAB_H
#define HASHBOOK_SLAB_H
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#define SLAB_HUGE ((size_t)2 << 20)

static inline size_t slab_size(size_t bytes) {
  size_t unit = bytes >= SLAB_HUGE ? SLAB_HUGE : 4096;
  return (bytes + unit - 1) / unit * unit;
}

/* NULL when the memory cannot be had. Pages are committed as they are touched. */
static inline void *slab_alloc(size_t bytes) {
  size_t size = slab_size(bytes), spare = size >= SLAB_HUGE ? SLAB_HUGE : 0, head;
  char *raw = (char *)mmap(NULL, size + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == (char *)MAP_FAILED) return NULL;
  if (!spare) return raw;
  head = (SLAB_HUGE - (uintptr_t)raw % SLAB_HUGE) % SLAB_HUGE;
  if (head) munmap(raw, head);
  if (spare - head) munmap(raw + head + size, spare - head);
#ifdef MADV_HUGEPAGE
  (void)madvise(raw + head, size, MADV_HUGEPAGE); /* a wish: without it the slab is only slower */
#endif
  return raw + head;
}

static inline void slab_free(void *slab, size_t bytes) {
  if (slab) munmap(slab, slab_size(bytes));
}
#endif
