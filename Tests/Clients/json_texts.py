"""JSON texts of every kind that parsers differ about, and what must become of each where it is a member's value.

A text is (name, bytes, verdict). ACCEPT and REJECT are what RFC 8259 says; what it leaves to a parser is decided in
schemas/events/README.md (check 2): `TAKEN` or `REFUSED`. No text is taken from another collection.
"""

ACCEPT, REJECT, TAKEN, REFUSED = "accept", "reject", "taken", "refused"
# What is good for the record that has the text.
GOOD = (ACCEPT, TAKEN)


def quoted(inside):
    return b'"' + inside + b'"'


def numbers():
    for text in (
        "0", "-0", "7", "-7", "10", "1234567890", "0.0", "-0.5", "3.25", "120.00", "1e2", "1E2", "1e+2", "1e-2",
        "-1.5E+03", "0e0",
        "0e+1", "0E-7", "1e00", "9007199254740993", "-9223372036854775808", "18446744073709551616", "0.1e1",
        "1.7976931348623157e308",
        "5e-324", "123456789012345678901234567890", "0." + "3" * 400, "8" * 400,
    ):
        yield text, ACCEPT
    for text in (
        "+1", "-", "--1", "+", "01", "-01", "00", "0123", "1.", ".5", "-.5", "-2.", "1.e3", "1..2", "1.2.3", "1e", "1e+", "1E-",
        "1e+-2", "1ee2", "1e2e3", "1e1.5", "e3", "0x1F", "0b1", "0o7", "1_000", "1 000", "12a", "1f", "1L",
        "1/2", "1+1", "- 1", "-a",
        "NaN", "-NaN", "nan", "Infinity", "-Infinity", "inf", "-inf", "Inf", "0e", "0E+", "0.e1", "1\u0660", "\uff11", "\u0663",
        "\u22121", "$1", "1%", "0.1.", "-0x1", "2.e+3", "-1x",
    ):
        yield text, REJECT
    for text in ("1e400", "-1e9999", "1e-400", "123e100000", "0e99999", "1" + "0" * 500 + "e-500"):
        yield text, TAKEN


def strings():
    for inside in (
        b"", b"a", b" ", b"a b", b'\\"', b"\\\\", b"\\/", b"/", b"\\b\\f\\n\\r\\t", b"\\u0041", b"\\u00e9", b"\\u00E9",
        b"\\u0000", b"\\u001f",
        b"\\u2028", b"\\uFFFF", b"\\uD834\\uDD1E", b"\\ud834\\udd1e", b"\\uDBFF\\uDFFF", b"\\\\u0041", b"\\\\\\\\",
        b"\\\\\\\"", b"\x7f",
        "ä".encode(), "€".encode(), "𝄞".encode(), "\u2028".encode(), "\u2029".encode(), "\ufeff".encode(), "\uffff".encode(),
        "\U0010ffff".encode(), "\u0080".encode(), "e\u0301".encode(), "// no comment".encode(), b"{}[]:,", b"null",
        b"'", b"\\u0022",
        b"\\u005C", b"x" * 3000, b"\\n" * 700, "日本".encode() * 300,
    ):
        yield quoted(inside), ACCEPT
    for inside in (
        b"\\", b"\\a", b"\\x41", b"\\0", b"\\'", b"\\U0041", b"\\u", b"\\u0", b"\\u00", b"\\u004", b"\\u00g1",
        b"\\u-041", b"\\u+041",
        b"\\u 041", "\\u００４１".encode(), b"\\ ", "\\ä".encode(), b"\\\n", b"\n", b"\t", b"\r", b"\x00", b"\x01", b"\x1f",
        b"\x08", b"\x0c",
        b"\\\x00", b"\\v", b"\\e", b"\\{", b"a\nb",
    ):
        yield quoted(inside), REJECT
    for text in (b"'a'", b'"a', b'a"', b"a", b"`a`", b'"a\'', "“a”".encode(), b'"a" "b"', b'"a""b"', b'"', b'\\"a\\"', b'"a"b'):
        yield text, REJECT
    # No UTF-8: bytes that begin nothing, too few, too many, longer than needed, half of a pair, beyond the last character.
    for inside in (
        b"\x80", b"\xbf", b"\xff", b"\xfe", b"\xc3", b"\xc3(", b"\xe2\x82", b"\xe2\x28\xa1", b"\xf0\x9d\x84",
        b"\xf0\x28\x8c\xbc",
        b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xed\xa0\x80", b"\xed\xbf\xbf",
        b"\xed\xa0\xb4\xed\xb4\x9e",
        b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80", b"a\xe9", b"\xe9\xe8\xe7", b"\xc3\xa9\xa9",
    ):
        yield quoted(inside), REJECT
    # Escapes that are half of a pair: the grammar has them, no text has.
    for inside in (
        b"\\ud800", b"\\uDBFF", b"\\udc00", b"\\uDFFF", b"\\ud800a", b"\\ud800\\n", b"\\ud800\\u0041",
        b"\\ud800\\ud800", b"\\udd1e\\ud834",
        b"\\ud834\\ud834\\udd1e",
    ):
        yield quoted(inside), REFUSED


def structures():
    for text in (
        "[]", "{}", "[ ]", "{ }", "[\n]", "\t[]", "[]\r\n", " 1 ", "[1]", "[1,2]", "[ 1 , 2 ]", "[[]]", "[[],[]]",
        "[{}]", "[null]", "[1,null,2]",
        '{"a":1}', '{"a" : 1}', '{"a":1,"b":2}', '{"a":[]}', '{"a":{}}', '{"a":{"b":{"c":[1,{"d":null}]}}}', '{"":0}',
        '{"":{"":0}}',
        '{"a":1,"a":2}', '{"a":1,"a":1}', '{"\\u0061":1}', '{"a\\u0000b":1}', '{"n":1}', '{"data":{"n":1}}',
        '{"id":"other","source":"x"}',
        '{"specversion":"0.3"}', '{"\\u006e":1}', "true", "false", "null", "[true,false,null]",
        '["a",1,null,true,{},[]]', '\n{\n"a"\n:\n1\n}\n',
        "[" * 40 + "]" * 40, '{"a":' * 40 + "1" + "}" * 40, "[" + "1," * 999 + "1]", '{"a":"' + "b" * 5000 + '"}',
        "[" + ",".join(f'{{"k{n}":{n}}}' for n in range(300)) + "]", " " * 2000 + "1", "[" + " " * 2000 + "]",
    ):
        yield text, ACCEPT
    for text in (
        "", " ", "[", "]", "{", "}", "[1", "[1,", '{"a"', '{"a":', '{"a":1', '{"a":1,', "[1,]", "[,1]", "[,]", "[1,,2]",
        "[1 2]", "[1;2]", "[1:2]", "[]]", "[[]", "[}", "{]",
        "[1}", '{"a":1]', "[{]}", '{"a":1,}', '{,"a":1}', '{,}', '{"a"}', '{"a":}', '{:1}', '{"a"::1}',
        '{"a":1,,"b":2}', '{"a":1 "b":2}', '{"a" 1}',
        '{"a",1}', '{"a"=1}', "{a:1}", "{'a':1}", "{1:1}", "{null:1}", "{[]:1}", "{true:1}", '{"a":1}}', '{"a":b}',
        "{{}}", "{[]}", "[a]", "[1]x", "{}x", "{}{}",
        "[][]", "True", "False", "None", "NULL", "Null", "TRUE", "nul", "nulll", "tru", "truee", "t", "fals",
        "undefined", "nil", "[nul]", "[tru", "-true",
        "/* a */ 1", "1 // a", "[1 /* a */]", "# 1", "<a/>", "(1)", "...", "*", "&", "@", "\\", "\\n", "\u00a01",
        "1\u00a0", "\u20281", "\ufeff1", "\u00001", "1\u0000",
        "[\f1]", "[\v1]", "[1\b]", "[\u00a0]", "[\u200b]", '{"a":1,"b"}', '{"a":1:2}', "[1,2", "[\"a]", '{"a:1}',
        '["a" "b"]', "[1,2}]", "[-]", "[1,\n1\n,1", '{"a":/*b*/1}',
        "a", "_", "~", "!1", "1;", "[1],2]", "[\\n]", "[\"a\",\n4\n,1,",
    ):
        yield text, REJECT
    for depth, verdict in ((60, TAKEN), (64, REFUSED), (200, REFUSED), (5000, REFUSED)):
        yield "[" * depth + "]" * depth, verdict
        yield '{"a":' * depth + "0" + "}" * depth, verdict


def values():
    """Texts to stand as the value of a member: [(name, bytes, verdict)]."""
    found = []
    for family in (numbers, strings, structures):
        for number, (text, verdict) in enumerate(family()):
            text = text if isinstance(text, bytes) else text.encode()
            found.append((f"{family.__name__} {number}", text, verdict))
    return found


def wholes(event):
    """Texts that are whole values of records; `event` is a good one."""
    utf16 = event.decode().encode
    return [(f"whole {number}", text, verdict) for number, (text, verdict) in enumerate((
        (event, ACCEPT), (b" \t\r\n" + event + b"\n \r\t", ACCEPT), (event.replace(b":", b" : "), ACCEPT),
        (b"", REJECT), (b" ", REJECT), (b"\x00", REJECT), (b"[]", REJECT), (b"1", REJECT), (b"null", REJECT),
        (quoted(b"a"), REJECT),
        (b"[" + event + b"]", REJECT), (event[:-1], REJECT), (event[1:], REJECT), (event + b"}", REJECT),
        (event + b",", REJECT),
        (event + b"x", REJECT), (event + b"\x00", REJECT), (b"\x00" + event, REJECT), (event + event, REJECT),
        (event + b"\n" + event, REJECT), (b"\x0c" + event, REJECT), ("\u00a0".encode() + event, REJECT),
        (b"\xff" + event, REJECT),
        (event + b"\xff", REJECT), (b"\xe2\x80\xa8" + event, REJECT), (b"// a\n" + event, REJECT), (b")]}'\n" + event, REJECT),
        (b"\xef\xbb\xbf" + event, REFUSED), (utf16("utf-16-le"), REFUSED), (utf16("utf-16"), REFUSED),
        (utf16("utf-32"), REFUSED),
    ))]
