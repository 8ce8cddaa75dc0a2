// What tables in memory need and Swift has no word for: huge pages, prefetches, comparisons of several words at once.
#pragma once
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/// Asks for the cache line at `place`, which need not be readable.
static inline void ct_prefetch(const void *place) { __builtin_prefetch(place); }

/// Whether two times `count` bytes are the same.
static inline int ct_same(const void *left, const void *right, size_t count) {
    return __builtin_memcmp(left, right, count) == 0;
}

/// Which of sixteen words are equal to `wanted` in the bits of `mask`: one bit a word, the first is the lowest.
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

/// Zeroed memory of its own for tables that are read at random places, in huge pages where the system gives them;
/// ends the process where there is none. It goes back to the system at once with `ct_unmap` of the same count.
void *ct_map(size_t count);
void ct_unmap(void *memory, size_t count);
