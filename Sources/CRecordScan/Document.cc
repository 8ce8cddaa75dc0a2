// JSON that is read seldom, by pointers: what a registry answers.
#include "CRecordScan.h"

#include <simdjson.h>

#include <new>

struct rs_document {
    simdjson::dom::parser parser;
    simdjson::dom::element root;
};

extern "C" rs_document *rs_document_read(const char *text, size_t length) {
    auto *made = new (std::nothrow) rs_document;
    if (!made) return nullptr;
    simdjson::dom::object object;
    if (!made->parser.parse(text, length).get(made->root) && !made->root.get(object)) return made;
    delete made;
    return nullptr;
}

extern "C" void rs_document_free(rs_document *document) { delete document; }

extern "C" int rs_document_text(const rs_document *document, const char *pointer, const char **text, size_t *length) {
    std::string_view found;
    if (document->root.at_pointer(pointer).get(found)) return 0;
    *text = found.data();
    *length = found.size();
    return 1;
}

extern "C" int64_t rs_array_count(const char *text, size_t length) {
    simdjson::dom::parser parser;
    simdjson::dom::array array;
    return parser.parse(text, length).get(array) ? -1 : int64_t(array.size());
}

extern "C" int rs_document_integer(const rs_document *document, const char *pointer, int64_t *number) {
    return document->root.at_pointer(pointer).get(*number) ? 0 : 1;
}
