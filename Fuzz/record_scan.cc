// Runs the target of the readers of Avro and Protobuf with libFuzzer.
#include "RecordScanTarget.h"

#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (const char *finding = record_scan_finding(data, size)) {
        fprintf(stderr, "%s\n", finding);
        abort();
    }
    return 0;
}
