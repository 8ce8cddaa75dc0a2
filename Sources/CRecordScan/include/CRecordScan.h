// A C interface to readers of Avro and Protobuf in C++. A schema is compiled once for the members
// that are asked for; a record is then read once, and fills the slots of a JSON scanner.
#pragma once
#include "CEventScan.h"
#include "CProtoSchema.h"
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum rs_result {
    RS_OK = 0,
    RS_TRUNCATED = 1,         // the bytes end inside a value
    RS_TRAILING = 2,          // bytes are left after the value
    RS_TOO_DEEP = 3,          // more than ES_MAX_DEPTH levels
    RS_DUPLICATE_MEMBER = 4,  // a key of a map that is asked for is there twice
    RS_NOT_AN_OBJECT = 5,     // the outermost value is no record
    RS_NOT_UTF8 = 6,          // a text that is asked for is not UTF-8
    RS_BAD_VALUE = 7,         // a length, branch, symbol or tag that cannot be
    RS_GROUP = 8,             // a group of Protobuf
};

/// What is in front of a record, or in its header `__value_schema_id`: which schema it has.
typedef struct {
    uint8_t guid[16];
    uint32_t id;
    uint32_t is_guid;
    uint32_t byte_count;   // in front of the record's value
    uint32_t index_count;  // of Protobuf: which message of the file
    int32_t indexes[8];
} rs_frame;

enum rs_frame_result {
    RS_FRAME_OK = 0,
    RS_FRAME_TRUNCATED = 1,  // it ends too early
    RS_FRAME_MAGIC = 2,      // its first byte is neither 0 nor 1
    RS_FRAME_INDEXES = 3,    // indexes of messages that cannot be
    RS_FRAME_TRAILING = 4,   // more bytes in the header than a schema's id
};

/// Reads a frame, from `header` where that is not NULL. All bytes of `out` are set.
int rs_read_frame(const uint8_t *value, size_t length, const uint8_t *header, size_t header_length,
                  int has_indexes, rs_frame *out);

/// A reader fills the slots of one scanner, which must live longer. One thread.
typedef struct rs_reader rs_reader;
rs_reader *rs_create(es_scanner *scanner);
void rs_destroy(rs_reader *reader);
/// Nobody looks at the text of integers and moments in this slot, so none is written.
void rs_needs_no_text(rs_reader *reader, int32_t slot);

/// A schema's text. `name` is what others call it.
typedef struct {
    const char *name;
    const char *text;
    size_t name_length;
    size_t text_length;
} rs_text;

/// Compile a schema for the members below the node `root`; -1: for none. Return the program's
/// number, or -1 and why as a text of at most `capacity` bytes with its 0. Of the texts, the last
/// is the schema; the others are what it refers to, each behind what it refers to itself.
int rs_add_avro(rs_reader *reader, const rs_text *texts, size_t count, int32_t root, char *why, size_t capacity);
int rs_add_protobuf(rs_reader *reader, const ps_schema *schema, int32_t root, char *why, size_t capacity);

/// Whether texts of Avro are a whole schema; 0: they are not, and why. Where a type is missing,
/// `missing` is its name, and otherwise empty.
int rs_check_avro(const rs_text *texts, size_t count, char *missing, size_t missing_capacity, char *why, size_t capacity);

/// Whether a schema has something at a node.
int rs_reaches(const rs_reader *reader, int program, int32_t node);

/// Reads a record without its frame. All slots and fan-outs are absent after a result other than
/// RS_OK. Texts are valid until the next scan and as long as the bytes.
int rs_scan(rs_reader *reader, int program, const uint8_t *bytes, size_t length, int must_be_object);

/// A JSON object that is read by pointers; NULL: the text is none.
typedef struct rs_document rs_document;
rs_document *rs_document_read(const char *text, size_t length);
void rs_document_free(rs_document *document);
/// A text, which lives as long as the document, and an integer; 0: there is none at the pointer.
int rs_document_text(const rs_document *document, const char *pointer, const char **text, size_t *length);
int rs_document_integer(const rs_document *document, const char *pointer, int64_t *number);
/// How many elements a JSON array has; -1: the text is none.
int64_t rs_array_count(const char *text, size_t length);

#ifdef __cplusplus
}
#endif
