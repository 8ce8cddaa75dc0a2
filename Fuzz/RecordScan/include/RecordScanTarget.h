// What the readers of Avro and Protobuf must do with every record.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What is wrong with the readers' results for an input, as a constant text; NULL when nothing is.
///
/// The first byte says what the rest is: an even one a record of Avro, an odd one a record of
/// Protobuf, `{` and `[` with all of the rest a schema of Avro, `s` the text of a .proto file.
/// Keeps readers from call to call; only one thread may call it.
const char *record_scan_finding(const uint8_t *input, size_t size);

#ifdef __cplusplus
}
#endif
