#include <stdlib.h>
#include <sys/mman.h>

#include "CTables.h"

static const size_t huge_page = (size_t)2 << 20;
static size_t whole_pages(size_t byte_count) { return (byte_count + huge_page - 1) / huge_page * huge_page; }

static char *map(size_t byte_count) {
    char *begin = mmap(NULL, byte_count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (begin == MAP_FAILED) abort();  // as Swift's own allocation without memory does
    return begin;
}

// Memory that begins at a multiple of a huge page, as does its size.
static char *map_aligned(size_t size) {
    // A mapping begins at any small page. One more huge page has room to move the start.
    char *begin = map(size + huge_page);
    char *aligned = (char *)whole_pages((size_t)begin);
    const size_t before = (size_t)(aligned - begin);
    if (before > 0) munmap(begin, before);
    munmap(aligned + size, huge_page - before);
    return aligned;
}

// Only advice: ignored where there are no huge pages.
static void advise_huge_pages(char *memory, size_t byte_count, int wanted) {
#ifdef MADV_HUGEPAGE
    madvise(memory, byte_count, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#endif
}

void *ct_map(size_t byte_count) {
    char *memory = map_aligned(whole_pages(byte_count));
    advise_huge_pages(memory, whole_pages(byte_count), 1);
    return memory;
}

void ct_unmap(void *memory, size_t byte_count) { munmap(memory, whole_pages(byte_count)); }

void *ct_reserve(size_t small_bytes, size_t large_bytes) {
    if (large_bytes == 0) {
        char *memory = map(small_bytes);
        advise_huge_pages(memory, small_bytes, 0);
        return memory;
    }
    char *memory = map_aligned(whole_pages(small_bytes) + whole_pages(large_bytes));
    advise_huge_pages(memory, whole_pages(small_bytes), 0);
    advise_huge_pages(memory + whole_pages(small_bytes), whole_pages(large_bytes), 1);
    return memory;
}

void ct_release(void *memory, size_t small_bytes, size_t large_bytes) {
    munmap(memory, large_bytes == 0 ? small_bytes : whole_pages(small_bytes) + whole_pages(large_bytes));
}

void ct_empty(void *memory, size_t byte_count) { madvise(memory, byte_count, MADV_DONTNEED); }
