#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

#include "CEventScan.h"

namespace {
constexpr size_t huge_page = size_t(2) << 20;
size_t whole_pages(size_t count) { return (count + huge_page - 1) / huge_page * huge_page; }
}  // namespace

extern "C" void *es_map(size_t count) {
    const size_t size = whole_pages(count);
    // A mapping begins at some small page: one huge page more has room for a beginning that is aligned.
    void *place = mmap(nullptr, size + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) std::abort();  // as Swift's own allocation does
    char *begin = static_cast<char *>(place);
    char *aligned = reinterpret_cast<char *>(whole_pages(reinterpret_cast<uintptr_t>(begin)));
    const size_t before = size_t(aligned - begin);
    if (before > 0) munmap(begin, before);
    munmap(aligned + size, huge_page - before);
#ifdef MADV_HUGEPAGE
    madvise(aligned, size, MADV_HUGEPAGE);  // Advice: nothing breaks where it is not taken.
#endif
    return aligned;
}

extern "C" void es_unmap(void *memory, size_t count) { munmap(memory, whole_pages(count)); }
