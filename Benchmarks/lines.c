// The side-by-side workload without Kafka: "KEY<TAB>JSON" lines.
//
//   lines EVENTS SEED START DAYS       START: Unix time of the first event
//
// events.h describes the events. `odometer-bench-stages loop` reads them.
#include "events.h"
#include <stdlib.h>

int main(int count, char **arguments) {
    if (count != 5) { fprintf(stderr, "usage: lines EVENTS SEED START DAYS\n"); return 2; }
    long events = atol(arguments[1]);
    int64_t start = atoll(arguments[3]);
    int days = atoi(arguments[4]);
    seed(strtoull(arguments[2], NULL, 10));
    weigh();
    struct event event;
    for (long i = 0; i < events; i++) {
        make(&event, (double)i / events, start, days);
        printf("org_%06d\t%.*s\n", event.organization, event.length, event.text);
    }
    return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
