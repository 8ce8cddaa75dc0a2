// The frame of schema registries: 0 and 4 bytes of an id, or 1 and 16 bytes of a GUID; for Protobuf
// then which message of the file, as its index at each level.
#include "Wire.h"

#include <cstring>

using record_scan::input;

namespace {
int read_indexes(input &in, rs_frame &out) {
    int64_t count;
    if (!in.zigzag(count)) return in.position == in.end ? RS_FRAME_TRUNCATED : RS_FRAME_INDEXES;
    if (count < 0 || count > int64_t(sizeof out.indexes / sizeof out.indexes[0])) return RS_FRAME_INDEXES;
    // The first message of the file is written short.
    out.index_count = count ? uint32_t(count) : 1;
    for (int64_t i = 0; i < count; i++) {
        int64_t index;
        if (!in.zigzag(index)) return in.position == in.end ? RS_FRAME_TRUNCATED : RS_FRAME_INDEXES;
        if (index < 0 || index > INT32_MAX) return RS_FRAME_INDEXES;
        out.indexes[i] = int32_t(index);
    }
    return RS_FRAME_OK;
}
}  // namespace

extern "C" int rs_read_frame(const uint8_t *value, size_t length, const uint8_t *header, size_t header_length,
                             int has_indexes, rs_frame *out) {
    memset(out, 0, sizeof *out);
    input in{header ? header : value, header ? header + header_length : value + length};
    const uint8_t *const start = in.position;
    if (in.left() < 1) return RS_FRAME_TRUNCATED;
    const uint8_t magic = *in.position++;
    if (magic > 1) return RS_FRAME_MAGIC;
    const size_t wanted = magic ? sizeof out->guid : 4;
    if (in.left() < wanted) return RS_FRAME_TRUNCATED;
    out->is_guid = magic;
    if (magic) memcpy(out->guid, in.position, wanted);
    else out->id = uint32_t(in.position[0]) << 24 | uint32_t(in.position[1]) << 16 | uint32_t(in.position[2]) << 8 | in.position[3];
    in.position += wanted;
    if (has_indexes)
        if (int error = read_indexes(in, *out)) return error;
    if (header) return in.position == in.end ? RS_FRAME_OK : RS_FRAME_TRAILING;
    out->byte_count = uint32_t(in.position - start);
    return RS_FRAME_OK;
}
