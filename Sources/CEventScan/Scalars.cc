#include "Scanner.h"

using event_scan::is_digit;
using std::string_view;

namespace {
/// 2^53 - 1: exact in Lua and as a sorted set's score.
constexpr int64_t max_integer = 9007199254740991;

/// A number as it is written: digits before and after the point, sign and power of ten.
struct number {
    string_view whole, fraction;
    bool is_negative = false;
    int64_t exponent = 0;
};

/// Takes the digits at the beginning.
string_view take_digits(string_view &text) {
    size_t n = 0;
    while (n < text.size() && is_digit(text[n])) n++;
    string_view digits = text.substr(0, n);
    text.remove_prefix(n);
    return digits;
}

bool take(string_view &text, char wanted) {
    if (text.empty() || text.front() != wanted) return false;
    text.remove_prefix(1);
    return true;
}

/// Reads a number by the grammar of RFC 8259, section 6; false where the text is not a number.
bool parse(string_view text, number &out) {
    out.is_negative = take(text, '-');
    out.whole = take_digits(text);
    if (out.whole.empty() || (out.whole.size() > 1 && out.whole.front() == '0')) return false;
    if (take(text, '.')) {
        out.fraction = take_digits(text);
        if (out.fraction.empty()) return false;
    }
    if (!text.empty() && (text.front() == 'e' || text.front() == 'E')) {
        text.remove_prefix(1);
        const bool is_small = take(text, '-');
        if (!is_small) take(text, '+');
        const string_view digits = take_digits(text);
        if (digits.empty()) return false;
        // The power is cut off: no text has enough digits for a greater one to make a difference.
        for (char digit : digits) out.exponent = std::min<int64_t>(out.exponent * 10 + (digit - '0'), 1'000'000'000'000);
        if (is_small) out.exponent = -out.exponent;
    }
    return text.empty();
}

/// The digits of a number without zeros in front and behind.
struct digits {
    const number &of;
    size_t first = 0, end;
    explicit digits(const number &parsed) : of(parsed), end(parsed.whole.size() + parsed.fraction.size()) {
        while (first < end && (*this)[0] == '0') first++;
        while (end > first && at(end - 1) == '0') end--;
    }
    size_t count() const { return end - first; }
    char operator[](size_t i) const { return at(first + i); }
    /// How many digits are before the point, once the point is moved by the power of ten; below 0:
    /// there are zeros behind the point first.
    int64_t before_point() const { return int64_t(of.whole.size()) - int64_t(first) + of.exponent; }

  private:
    char at(size_t i) const { return i < of.whole.size() ? of.whole[i] : of.fraction[i - of.whole.size()]; }
};

/// Whether what follows the first `kept` digits (at least 0) rounds up, half to even.
bool rounds_up(const digits &all, size_t kept, int64_t value) {
    if (all[kept] != '5') return all[kept] > '5';
    // The last digit is not 0, so that more digits are more than a half.
    return kept + 1 < all.count() || value % 2 == 1;
}

/// The value times 10^scale where that is an integer within the bound or is rounded to one. There
/// is no floating point.
es_number evaluate(const number &parsed, int scale, bool rounds, int64_t &out) {
    const digits all(parsed);
    out = 0;
    if (all.count() == 0) return ES_WHOLE;
    const int64_t wanted = all.before_point() + scale, count = int64_t(all.count());
    if (wanted < count && !rounds) return ES_FRACTION;
    if (wanted < 0) return ES_WHOLE;
    if (wanted > 16) return ES_TOO_LARGE;  // the bound has 16 digits
    for (int64_t i = 0; i < wanted; i++) out = out * 10 + (i < count ? all[size_t(i)] - '0' : 0);
    if (wanted < count && rounds_up(all, size_t(wanted), out)) out++;
    if (out > max_integer) return ES_TOO_LARGE;
    if (parsed.is_negative) out = -out;
    return ES_WHOLE;
}

bool read_number(string_view text, es_value *out) {
    number parsed;
    if (!parse(text, parsed)) return false;
    if (!out) return true;
    out->kind = evaluate(parsed, 0, false, out->integer) == ES_WHOLE ? ES_INTEGER : ES_NUMBER;
    out->pointer = text.data();
    out->length = uint32_t(text.size());
    return true;
}

}  // namespace

bool event_scan::read_scalar(string_view token, es_value *out) {
    string_view text = trimmed(token);
    uint32_t kind;
    if (text == "true") kind = ES_TRUE;
    else if (text == "false") kind = ES_FALSE;
    else if (text == "null") kind = ES_NULL;
    else return read_number(text, out);
    if (out) out->kind = kind;
    return true;
}

extern "C" int es_integer(const char *text, size_t length, int64_t *out) {
    string_view token(text, length);
    while (!token.empty() && event_scan::is_space(token.front())) token.remove_prefix(1);
    number parsed;
    *out = 0;
    return parse(event_scan::trimmed(token), parsed) ? evaluate(parsed, 0, false, *out) : ES_NO_NUMBER;
}

extern "C" int es_decimal(const char *text, size_t length, int scale, int rounds, int64_t *out) {
    number parsed;
    *out = 0;
    return parse(string_view(text, length), parsed) ? evaluate(parsed, scale, rounds != 0, *out) : ES_NO_NUMBER;
}

extern "C" int es_cut_off(const char *text, size_t length, int power, int64_t *out) {
    number parsed;
    *out = 0;
    if (!parse(string_view(text, length), parsed)) return ES_NO_NUMBER;
    const digits all(parsed);
    if (all.count() == 0) return ES_WHOLE;
    const int64_t wanted = all.before_point() + power, count = int64_t(all.count());
    if (wanted > 19) return ES_TOO_LARGE;
    uint64_t value = 0;
    for (int64_t i = 0; i < wanted; i++) value = value * 10 + uint64_t(i < count ? all[size_t(i)] - '0' : 0);
    if (value > uint64_t(INT64_MAX)) return ES_TOO_LARGE;
    *out = parsed.is_negative ? -int64_t(value) : int64_t(value);
    return ES_WHOLE;
}

extern "C" size_t es_plain_number(const char *text, size_t length, char *out, size_t capacity) {
    number parsed;
    if (!parse(string_view(text, length), parsed)) return 0;
    const digits all(parsed);
    const int64_t count = int64_t(all.count()), before = count == 0 ? 1 : all.before_point();
    // A power of ten may be as large as it likes: what does not fit is found before it is written.
    if (before > int64_t(capacity) || -before > int64_t(capacity)) return 0;
    const int64_t behind = std::max<int64_t>(0, count - before);
    const size_t needed = (parsed.is_negative && count > 0 ? 1 : 0) + size_t(std::max<int64_t>(1, before)) +
                          (behind > 0 ? size_t(behind) + 1 : 0);
    if (needed > capacity) return 0;
    char *to = out;
    if (parsed.is_negative && count > 0) *to++ = '-';
    if (before <= 0) *to++ = '0';
    for (int64_t i = 0; i < before; i++) *to++ = i < count ? all[size_t(i)] : '0';
    if (behind > 0) *to++ = '.';
    for (int64_t i = before; i < count; i++) *to++ = i < 0 ? '0' : all[size_t(i)];
    return size_t(to - out);
}
