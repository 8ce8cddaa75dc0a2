// What must hold of the JSON scanner for every text.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What is wrong with what the scanner says of a text: a constant
/// text, NULL where nothing is wrong.
///
/// Keeps scanners from call to call, so that shapes are learned: one thread.
const char *event_scan_problem(const uint8_t *text, size_t size);

#ifdef __cplusplus
}
#endif
