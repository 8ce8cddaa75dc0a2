// What the JSON scanner must do with every text.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What is wrong with the scanner's results for a text, as a constant text; NULL when nothing is.
///
/// Keeps scanners from call to call, so that shapes are learned; only one thread may call it.
const char *event_scan_finding(const uint8_t *text, size_t size);

#ifdef __cplusplus
}
#endif
