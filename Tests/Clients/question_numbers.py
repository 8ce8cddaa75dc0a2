"""Numbers of answers that are made of others: percentiles and ratios."""

import decimal
import fractions


def percentile(values, text):
    """The nearest rank of sorted values."""
    rank = max(1, -(-len(values) * fractions.Fraction(text) // 100))
    return values[int(rank) - 1] if values else None


def shown_ratio(value):
    """A ratio with 15 digits, rounded half to even, without zeros at the end."""
    context = decimal.Context(prec=15, rounding=decimal.ROUND_HALF_EVEN)
    text = format(context.divide(decimal.Decimal(value.numerator), decimal.Decimal(value.denominator)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
