// How values that JSON does not have are written, so that the same checks read them.
#include "Reader.h"

#include <simdjson.h>

#include <charconv>
#include <cmath>

using record_scan::room_bytes;
using record_scan::unit;
using std::string_view;

namespace {
/// 2^53 - 1: beyond it the JSON scanner calls an integer a number, too.
constexpr int64_t max_integer = 9007199254740991;
/// The days of the years 1700 to 2200 of an event's time.
constexpr int64_t first_day = -98615, end_day = 84371;
constexpr char hex_digits[] = "0123456789abcdef";

bool is_ascii(string_view text) {
    uint64_t any = 0, word;
    const char *at = text.data(), *const end = at + text.size();
    if (text.size() >= 8) {
        for (; end - at > 8; at += 8) {
            memcpy(&word, at, 8);
            any |= word;
        }
        memcpy(&word, end - 8, 8);
        any |= word;
    } else {
        for (; at < end; at++) any |= uint8_t(*at);
    }
    return (any & 0x8080808080808080) == 0;
}

/// The date of a day since 1970, by counting the days of eras of 400 years from March on.
void civil(int64_t days, int64_t &year, unsigned &month, unsigned &day) {
    days += 719468;
    const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const unsigned of_era = unsigned(days - era * 146097);
    const unsigned of_years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const unsigned of_year = of_era - (365 * of_years + of_years / 4 - of_years / 100);
    const unsigned from_march = (5 * of_year + 2) / 153;
    day = of_year - (153 * from_march + 2) / 5 + 1;
    month = from_march < 10 ? from_march + 3 : from_march - 9;
    year = int64_t(of_years) + era * 400 + (month <= 2);
}

char *write_digits(char *to, int64_t value, int count) {
    for (int i = count - 1; i >= 0; i--, value /= 10) to[i] = char('0' + value % 10);
    return to + count;
}

/// A fraction of a second with 3, 6 or 9 digits; nothing where it is 0.
char *write_fraction(char *to, int32_t nanoseconds) {
    if (!nanoseconds) return to;
    *to++ = '.';
    if (nanoseconds % 1'000'000 == 0) return write_digits(to, nanoseconds / 1'000'000, 3);
    if (nanoseconds % 1'000 == 0) return write_digits(to, nanoseconds / 1'000, 6);
    return write_digits(to, nanoseconds, 9);
}
}  // namespace

void rs_reader::put_number(es_value *out, char *text, char *end) {
    *out = es_value{text, 0, uint32_t(end - text), ES_NUMBER};
    if (es_integer(text, out->length, &out->integer) == ES_WHOLE) out->kind = ES_INTEGER;
}

void rs_reader::put_integer(es_value *out, int64_t value) {
    const bool is_bare = out >= slots && out < slots + tree.slot_count && is_bare_slot[size_t(out - slots)];
    if (is_bare && value >= -max_integer && value <= max_integer) {
        *out = es_value{nullptr, value, 0, ES_INTEGER};
        return;
    }
    char *const text = room(out), *const end = std::to_chars(text, text + room_bytes, value).ptr;
    const bool is_small = value >= -max_integer && value <= max_integer;
    *out = es_value{text, is_small ? value : 0, uint32_t(end - text), uint32_t(is_small ? ES_INTEGER : ES_NUMBER)};
}

void rs_reader::put_unsigned(es_value *out, uint64_t value) {
    if (value <= uint64_t(max_integer)) return put_integer(out, int64_t(value));
    char *const text = room(out);
    *out = es_value{text, 0, uint32_t(std::to_chars(text, text + room_bytes, value).ptr - text), ES_NUMBER};
}

template <typename number> void rs_reader::put_real(es_value *out, number value) {
    if (!std::isfinite(value)) return put_other(out);
    // The shortest text that reads as the same number.
    char *const text = room(out);
    put_number(out, text, std::to_chars(text, text + room_bytes, value).ptr);
}
template void rs_reader::put_real(es_value *, float);
template void rs_reader::put_real(es_value *, double);

bool rs_reader::put_text(es_value *out, string_view text) {
    if (!is_ascii(text) && !simdjson::validate_utf8(text.data(), text.size())) return fail(RS_NOT_UTF8);
    put_name(out, text);
    return true;
}

void rs_reader::put_hex(es_value *out, const uint8_t *bytes, size_t length) {
    char *const text = room(out);
    length = std::min(length, record_scan::longest_hex);
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = hex_digits[bytes[i] >> 4];
        text[2 * i + 1] = hex_digits[bytes[i] & 15];
    }
    put_name(out, string_view(text, 2 * length));
}

void rs_reader::put_uuid(es_value *out, const uint8_t *bytes) {
    char *const text = room(out), *to = text;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *to++ = '-';
        *to++ = hex_digits[bytes[i] >> 4];
        *to++ = hex_digits[bytes[i] & 15];
    }
    put_name(out, string_view(text, 36));
}

void rs_reader::put_decimal(es_value *out, const uint8_t *bytes, size_t length, int scale) {
    const uint8_t sign = length && bytes[0] & 0x80 ? 0xff : 0;
    while (length > 1 && bytes[0] == sign && (bytes[1] & 0x80) == (sign & 0x80)) bytes++, length--;
    if (length > 16) return put_other(out);
    unsigned __int128 value = 0;
    for (size_t i = 0; i < length; i++) value = value << 8 | uint8_t(bytes[i] ^ sign);
    if (sign) value += 1;  // of the complement
    char digits[40];
    int count = 0;
    do digits[count++] = char('0' + int(value % 10));
    while ((value /= 10) != 0);
    char *const text = room(out), *to = text;
    if (sign) *to++ = '-';
    for (int i = std::max(count - 1, scale); i >= 0; i--) {
        *to++ = i < count ? digits[i] : '0';
        if (i == scale && scale > 0) *to++ = '.';
    }
    put_number(out, text, to);
}

char *rs_reader::write_day(char *text, int64_t days) {
    if (days != day) {
        int64_t year;
        unsigned month, of_month;
        civil(days, year, month, of_month);
        char *to = write_digits(day_text, year, 4);
        *to++ = '-';
        to = write_digits(to, month, 2);
        *to++ = '-';
        write_digits(to, of_month, 2);
        day = days;
    }
    memcpy(text, day_text, sizeof day_text);
    return text + sizeof day_text;
}

void rs_reader::put_date(es_value *out, int64_t days) {
    if (days < first_day || days >= end_day) return put_other(out);
    char *const text = room(out);
    *out = es_value{text, days * 86'400'000'000'000, uint32_t(write_day(text, days) - text), ES_TIME};
}

void rs_reader::put_time(es_value *out, int64_t value, unit per_second, bool is_local) {
    const int64_t units = int64_t(per_second);
    int64_t seconds = value / units, rest = value % units;
    if (rest < 0) rest += units, seconds--;
    put_moment(out, seconds, int32_t(rest * (1'000'000'000 / units)), is_local);
}

void rs_reader::put_moment(es_value *out, int64_t seconds, int32_t nanoseconds, bool is_local) {
    if (seconds < first_day * 86'400 || seconds >= end_day * 86'400) return put_other(out);
    const int64_t days = (seconds >= 0 ? seconds : seconds - 86'399) / 86'400;
    if (nanoseconds < 0 || nanoseconds > 999'999'999) return put_other(out);
    const int64_t of_day = seconds - days * 86'400;
    if (!is_local && out >= slots && out < slots + tree.slot_count && is_bare_slot[size_t(out - slots)]) {
        *out = es_value{nullptr, seconds * 1'000'000'000 + nanoseconds, 0, ES_TIME};
        return;
    }
    char *const text = room(out);
    char *to = write_day(text, days);
    *to++ = 'T';
    to = write_digits(to, of_day / 3'600, 2);
    *to++ = ':';
    to = write_digits(to, of_day / 60 % 60, 2);
    *to++ = ':';
    to = write_fraction(write_digits(to, of_day % 60, 2), nanoseconds);
    if (is_local) return put_name(out, string_view(text, size_t(to - text)));
    *to++ = 'Z';
    *out = es_value{text, seconds * 1'000'000'000 + nanoseconds, uint32_t(to - text), ES_TIME};
}

void rs_reader::put_duration(es_value *out, int64_t seconds, int32_t nanoseconds) {
    constexpr int64_t most = 315'576'000'000;
    if (seconds < -most || seconds > most || nanoseconds < -999'999'999 || nanoseconds > 999'999'999) return put_other(out);
    if ((seconds < 0 && nanoseconds > 0) || (seconds > 0 && nanoseconds < 0)) return put_other(out);
    char *const text = room(out), *to = text;
    if (seconds < 0 || nanoseconds < 0) *to++ = '-';
    to = std::to_chars(to, text + room_bytes, seconds < 0 ? -seconds : seconds).ptr;
    put_number(out, text, write_fraction(to, nanoseconds < 0 ? -nanoseconds : nanoseconds));
}
