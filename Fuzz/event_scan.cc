// libFuzzer's way into the target of the JSON scanner.
#include "EventScanTarget.h"

#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (const char *problem = event_scan_problem(data, size)) {
        fprintf(stderr, "%s: %.*s\n", problem, int(size), reinterpret_cast<const char *>(data));
        abort();
    }
    return 0;
}
