// The side-by-side workload, event by event: equal seeds and shares give equal events.
//
// Structured CloudEvents of about 300 bytes. Of 100 events 60 are interaction.created, 25
// token.issued, 5 agent_flow.created and 10 api.request. 1,000 organizations whose sizes follow
// Zipf's law with exponent 0.9, each with 50 users (or as many as `users_each` says), 20 projects
// and 100 agents, of which lower numbers are more frequent. Event time rises over the days asked
// for; one event of a hundred is up to two days older.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

enum { organizations = 1000, kinds = 4 };

static unsigned users_each = 50;
static const char *const kind_names[kinds] = {"interaction.created", "token.issued", "agent_flow.created", "api.request"};
static const unsigned kind_below[kinds] = {60, 85, 90, 100};  // of a hundred

// Walker's alias method: one draw finds an organization by its weight.
static struct { double keep; int other; } alias[organizations];

static uint64_t random_state[2];

// xorshift128+
static uint64_t draw(void) {
    uint64_t a = random_state[0], b = random_state[1];
    random_state[0] = b;
    a ^= a << 23;
    random_state[1] = a ^ b ^ a >> 17 ^ b >> 26;
    return random_state[1] + b;
}

static unsigned below(unsigned bound) { return (unsigned)((draw() >> 32) * bound >> 32); }
static double fraction(void) { return (double)(draw() >> 12) / (double)(1ull << 52); }
static unsigned mostly_low(unsigned bound) {
    unsigned a = below(bound), b = below(bound);
    return a < b ? a : b;
}

static void seed(uint64_t value) {
    random_state[0] = value * 0xD1342543DE82EF95u + 1;
    random_state[1] = ~value * 0xAF251AF3B0F025B5u + 1;
    for (int i = 0; i < 64; i++) draw();
}

static void weigh(void) {
    double weight[organizations], total = 0;
    int small[organizations], large[organizations], smalls = 0, larges = 0;
    for (int i = 0; i < organizations; i++) total += weight[i] = pow(i + 1, -0.9);
    for (int i = 0; i < organizations; i++) {
        weight[i] *= organizations / total;
        if (weight[i] < 1) small[smalls++] = i; else large[larges++] = i;
    }
    while (smalls > 0 && larges > 0) {
        int less = small[--smalls], more = large[larges - 1];
        alias[less].keep = weight[less];
        alias[less].other = more;
        weight[more] -= 1 - weight[less];
        if (weight[more] < 1) { small[smalls++] = more; larges--; }
    }
    while (smalls > 0) alias[small[--smalls]].keep = 1;
    while (larges > 0) alias[large[--larges]].keep = 1;
}

struct event { int organization, kind, length; char text[512]; };

// Makes an event; `share` is how much of the time has passed, 0 to 1.
static void make(struct event *event, double share, int64_t start, int days) {
    static int64_t known_day = -1;
    static char day[16];
    unsigned place = below(organizations), lot = below(100);
    int org = event->organization = fraction() < alias[place].keep ? (int)place : alias[place].other;
    int kind = 0;
    while (lot >= kind_below[kind]) kind++;
    event->kind = kind;
    int64_t ms = (int64_t)(share * days * 86400e3);
    if (below(100) == 0) ms -= (int64_t)(fraction() * 2 * 86400e3);
    ms = (ms < 0 ? 0 : ms) + start * 1000;
    int64_t since = ms / 86400000, rest = ms % 86400000;
    if (since != known_day) {
        time_t seconds = since * 86400;
        struct tm parts;
        strftime(day, sizeof day, "%Y-%m-%d", gmtime_r(&seconds, &parts));
        known_day = since;
    }
    char *at = event->text, *end = event->text + sizeof event->text;
    at += snprintf(at, end - at,
        "{\"specversion\":\"1.0\",\"id\":\"%016llx%016llx\",\"source\":\"/gateway/%u\",\"type\":\"%s\",\"subject\":\"org_%06d\","
        "\"time\":\"%sT%02d:%02d:%02d.%03dZ\",\"datacontenttype\":\"application/json\","
        "\"data\":{\"user\":\"user_%06d_%03u\",\"project\":\"proj_%06d_%02u\",",
        (unsigned long long)draw(), (unsigned long long)draw(), below(8), kind_names[kind], org, day,
        (int)(rest / 3600000), (int)(rest / 60000 % 60), (int)(rest / 1000 % 60), (int)(rest % 1000), org, mostly_low(users_each),
        org, below(20));
    if (kind == 1)
        at += snprintf(at, end - at, "\"agent\":\"agent_%06d_%03u\",\"scope\":\"agents:read\"}}", org, mostly_low(100));
    else if (kind == 3)
        at += snprintf(at, end - at, "\"method\":\"GET\",\"path\":\"/v1/items/%u\",\"status\":%d,\"bytes\":%u}}", below(1000),
                       below(50) ? 200 : 500, below(20000));
    else
        at += snprintf(at, end - at, "\"model\":\"m-%u\",\"duration_ms\":%u}}", below(4), below(9000));
    event->length = (int)(at - event->text);
}
