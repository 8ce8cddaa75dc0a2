// Bytes that are read once from front to back.
#pragma once
#include "CRecordScan.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace record_scan {
struct input {
    const uint8_t *position;
    const uint8_t *end;

    size_t left() const { return size_t(end - position); }

    /// A number of 7 bits a byte, the lowest first, at most 64 bits. False: it is cut off, and then
    /// `position` is `end`, or it is longer.
    bool varint(uint64_t &out) {
        if (end - position >= 2) {
            // Most numbers have one byte or two.
            const uint64_t first = position[0], second = position[1];
            if (first < 0x80) {
                out = first;
                position += 1;
                return true;
            }
            if (second < 0x80) {
                out = (first & 0x7f) | second << 7;
                position += 2;
                return true;
            }
        }
        return long_varint(out);
    }

    bool long_varint(uint64_t &out) {
        uint64_t value = 0;
        for (unsigned shift = 0; shift < 70; shift += 7) {
            if (position == end) return false;
            const uint8_t byte = *position++;
            if (shift == 63 && byte > 1) break;
            value |= uint64_t(byte & 0x7f) << shift;
            if (byte < 0x80) {
                out = value;
                return true;
            }
        }
        if (position == end) position--;
        return false;
    }

    /// The same, with the sign in the lowest bit.
    bool zigzag(int64_t &out) {
        uint64_t value;
        if (!varint(value)) return false;
        out = int64_t(value >> 1) ^ -int64_t(value & 1);
        return true;
    }

    /// Little-endian, as every machine is that Odometer runs on.
    template <typename number> bool fixed(number &out) {
        if (left() < sizeof out) {
            position = end;
            return false;
        }
        memcpy(&out, position, sizeof out);
        position += sizeof out;
        return true;
    }
};
}  // namespace record_scan
