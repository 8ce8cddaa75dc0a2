#include "Scanner.h"

#include <charconv>
#include <cmath>

using event_scan::is_digit;
using std::string_view;

namespace {
constexpr int64_t max_integer = 9007199254740991;  // 2^53 - 1: exact in Lua and in a sorted set's score

/// Grammar of RFC 8259 section 6; also tells whether there is a fraction or an exponent.
bool is_number(string_view text, bool &is_plain) {
    size_t i = 0, n = text.size();
    if (i < n && text[i] == '-') i++;
    if (i == n || !is_digit(text[i])) return false;
    if (text[i] == '0') i++;
    else while (i < n && is_digit(text[i])) i++;
    is_plain = i == n;
    if (i < n && text[i] == '.') {
        size_t first = ++i;
        while (i < n && is_digit(text[i])) i++;
        if (i == first) return false;
    }
    if (i < n && (text[i] == 'e' || text[i] == 'E')) {
        i++;
        if (i < n && (text[i] == '+' || text[i] == '-')) i++;
        size_t first = i;
        while (i < n && is_digit(text[i])) i++;
        if (i == first) return false;
    }
    return i == n;
}

/// Whether a number that no double holds is too small for one, not too large.
bool is_tiny(string_view text) {
    size_t point = text.find_first_of(".eE"), mark = text.find_first_of("eE");
    size_t first = text.find_first_of("123456789");
    if (first == string_view::npos || first > mark) return true;
    int64_t places = first < point ? int64_t(std::min(point, text.size()) - first) : -int64_t(first - point);
    if (mark == string_view::npos) return places < 0;
    string_view digits = text.substr(mark + 1);
    bool is_negative = digits.front() == '-';
    if (digits.front() == '-' || digits.front() == '+') digits.remove_prefix(1);
    int64_t power = 0;  // a text is too short for more than a billion places
    auto read = std::from_chars(digits.data(), digits.data() + digits.size(), power);
    if (read.ec != std::errc() || power > 1'000'000'000) return is_negative;
    return places + (is_negative ? -power : power) < 0;
}

bool read_number(string_view text, es_value *out) {
    bool is_plain = false;
    if (!is_number(text, is_plain)) return false;
    if (!out) return true;
    out->kind = ES_NUMBER;
    if (is_plain && text.size() <= 17) {
        int64_t integer = 0;
        bool is_negative = text.front() == '-';
        for (char digit : text.substr(is_negative)) integer = integer * 10 + (digit - '0');
        if (is_negative) integer = -integer;
        if (integer >= -max_integer && integer <= max_integer) {
            out->kind = ES_INTEGER;
            out->integer = integer;
        }
    } else if (!is_plain) {
        double number = 0;
        auto read = std::from_chars(text.data(), text.data() + text.size(), number);
        // Too near to 0 for a double is nearest to 0; only a negative exponent can be the reason.
        if (read.ec == std::errc::result_out_of_range && is_tiny(text)) read.ec = std::errc(), number = 0;
        if (read.ec == std::errc() && std::trunc(number) == number && std::fabs(number) <= double(max_integer)) {
            out->kind = ES_INTEGER;
            out->integer = int64_t(number);
        }
    }
    return true;
}

}  // namespace

bool event_scan::read_scalar(string_view token, es_value *out) {
    string_view text = trimmed(token);
    uint32_t kind;
    if (text == "true" || text == "false") kind = ES_BOOLEAN;
    else if (text == "null") kind = ES_NULL;
    else return read_number(text, out);
    if (out) out->kind = kind;
    return true;
}
