#include <stdlib.h>
#include <sys/mman.h>

#include "CTables.h"

static const size_t huge_page = (size_t)2 << 20;
static size_t whole_pages(size_t byte_count) { return (byte_count + huge_page - 1) / huge_page * huge_page; }

void *ct_map(size_t byte_count) {
    const size_t size = whole_pages(byte_count);
    // A mapping begins at any small page. One more huge page has room to move the start to a
    // multiple of a huge page.
    char *begin = mmap(NULL, size + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (begin == MAP_FAILED) abort();  // as Swift's own allocation without memory does
    char *aligned = (char *)whole_pages((size_t)begin);
    const size_t before = (size_t)(aligned - begin);
    if (before > 0) munmap(begin, before);
    munmap(aligned + size, huge_page - before);
#ifdef MADV_HUGEPAGE
    madvise(aligned, size, MADV_HUGEPAGE);  // only advice: ignored where there are none
#endif
    return aligned;
}

void ct_unmap(void *memory, size_t byte_count) { munmap(memory, whole_pages(byte_count)); }
