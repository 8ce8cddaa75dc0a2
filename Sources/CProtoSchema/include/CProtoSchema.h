// A C interface to libprotobuf: .proto texts to a flat table of messages and fields.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ps_kind {
    PS_INT32 = 0, PS_INT64, PS_UINT32, PS_UINT64, PS_SINT32, PS_SINT64,
    PS_FIXED32, PS_FIXED64, PS_SFIXED32, PS_SFIXED64, PS_BOOL, PS_FLOAT, PS_DOUBLE,
    PS_STRING, PS_BYTES, PS_ENUM, PS_MESSAGE,
    PS_GROUP,    // not read
    PS_UNKNOWN,  // of a type that is nowhere defined
};

/// What a message is beyond its fields.
enum ps_meaning { PS_PLAIN = 0, PS_TIMESTAMP, PS_DURATION, PS_WRAPPER, PS_MAP_ENTRY };

typedef struct {
    const char *name;
    uint32_t name_length;
    uint32_t number;
    uint32_t kind;
    uint32_t is_repeated;
    uint32_t has_presence;  // absent is something else than zero or empty
    int32_t message;        // of PS_MESSAGE
    int32_t symbols;        // of PS_ENUM
    int32_t choice;         // the number of its oneof within the message, or -1
} ps_field;

typedef struct {
    uint32_t meaning;
    uint32_t first_field;
    uint32_t field_count;
} ps_message;

typedef struct {
    const char *name;
    uint32_t name_length;
    int32_t number;
} ps_symbol;

typedef struct {
    uint32_t first_symbol;  // the first one of the text comes first
    uint32_t symbol_count;
} ps_symbols;

typedef struct {
    const ps_message *messages;  // the first one is the one that was asked for
    const ps_field *fields;      // of a message: by rising number
    const ps_symbols *enums;
    const ps_symbol *symbols;
    uint32_t message_count;
    uint32_t field_count;
} ps_table;

typedef struct ps_schema ps_schema;

/// A .proto text and the path by which others import it.
typedef struct {
    const char *path;
    const char *text;
    size_t path_length;
    size_t text_length;
} ps_text;

/// Reads texts and makes the table of one message of the last text, which `indexes` lead to: its
/// index in the file, then in the message before. The other texts are what it imports, each behind
/// what it imports itself; imports that are not there are taken for empty, but for those that come
/// with Protobuf. NULL: `why` says what is wrong, and `*is_index`: no message is at `indexes`.
ps_schema *ps_create(const ps_text *texts, size_t count, const int32_t *indexes, size_t index_count,
                     int *is_index, char *why, size_t capacity);
void ps_destroy(ps_schema *schema);
const ps_table *ps_table_of(const ps_schema *schema);

/// Calls back with the path of each import of a text; false where the text cannot be read.
int ps_imports(const char *text, size_t length, void *context, void (*take)(void *, const char *, size_t));

#ifdef __cplusplus
}
#endif
