// Runs the target of the JSON scanner with libFuzzer.
#include "EventScanTarget.h"

#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (const char *finding = event_scan_finding(data, size)) {
        fprintf(stderr, "%s: %.*s\n", finding, int(size), reinterpret_cast<const char *>(data));
        abort();
    }
    return 0;
}
