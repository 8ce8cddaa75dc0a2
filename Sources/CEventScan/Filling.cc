// For readers of other formats: the same tree, the same slots.
#include "Scanner.h"

extern "C" void es_describe(const es_scanner *scanner, es_tree *out) {
    *out = es_tree{scanner->nodes.data(),
                   scanner->lists.data(),
                   scanner->finds.data(),
                   uint32_t(scanner->nodes.size()),
                   uint32_t(scanner->lists.size()),
                   uint32_t(scanner->finds.size()),
                   uint32_t(scanner->slots.size()),
                   uint32_t(scanner->fans.size())};
}

extern "C" es_value *es_forget(es_scanner *scanner) {
    scanner->forget();
    return scanner->slots.data();
}

extern "C" es_fan_out *es_fans_to_fill(es_scanner *scanner) { return scanner->fans.data(); }
