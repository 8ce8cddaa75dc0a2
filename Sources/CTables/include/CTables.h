// What tables in memory need and Swift does not have: huge pages, prefetches, comparisons of
// several words at once.
#pragma once
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/// Prefetches the cache line at `address`, which need not be readable.
static inline void ct_prefetch(const void *address) { __builtin_prefetch(address); }

/// Whether the `byte_count` bytes at both addresses are equal.
static inline int ct_same(const void *left, const void *right, size_t byte_count) {
    return __builtin_memcmp(left, right, byte_count) == 0;
}

/// Which of sixteen words equal `wanted` in the bits of `mask`: a bit for each word, the lowest for
/// the first.
static inline uint32_t ct_equal_words(const uint32_t *words, uint32_t mask, uint32_t wanted) {
#ifdef __SSE2__
    const __m128i masks = _mm_set1_epi32((int)mask), all = _mm_set1_epi32((int)wanted);
    __m128i found[4];
    for (int i = 0; i < 4; i++) {
        const __m128i four = _mm_loadu_si128((const __m128i *)words + i);
        found[i] = _mm_cmpeq_epi32(_mm_and_si128(four, masks), all);
    }
    const __m128i low = _mm_packs_epi32(found[0], found[1]), high = _mm_packs_epi32(found[2], found[3]);
    return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(low, high));
#else
    uint32_t bits = 0;
    for (int i = 0; i < 16; i++) bits |= (uint32_t)((words[i] & mask) == wanted) << i;
    return bits;
#endif
}

/// Zeroed memory for tables with random access, in huge pages where the system has them. Ends the
/// process where there is no memory.
void *ct_map(size_t byte_count);
/// Gives memory of `ct_map`, with the same `byte_count`, back to the system at once.
void ct_unmap(void *memory, size_t byte_count);

/// Address space for a table that grows: `small_bytes` in small pages, whatever the system does by
/// itself, then `large_bytes` in huge pages where it has them. Zeroed; memory is taken only where
/// it is touched. With `large_bytes`, both are multiples of 2 MiB. Ends the process where there is
/// no address space.
void *ct_reserve(size_t small_bytes, size_t large_bytes);
/// Gives address space of `ct_reserve`, with the same sizes, back with all that it holds.
void ct_release(void *memory, size_t small_bytes, size_t large_bytes);
/// Gives whole pages of `ct_reserve` back to the system; they are zero when they are used again.
void ct_empty(void *memory, size_t byte_count);
