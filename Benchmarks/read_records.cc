// The same events as JSON, Avro and Protobuf, read for the same pointers: nanoseconds an event of
// each, best of ROUNDS. Under callgrind the functions read_… have the instructions.
//
//   read_records EVENTS ROUNDS
#include "CEventScan.h"
#include "CRecordScan.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {
constexpr char avro_text[] = R"({"type":"record","name":"Usage","fields":[
 {"name":"id","type":"string"},{"name":"source","type":"string"},{"name":"customer","type":"string"},
 {"name":"at","type":{"type":"long","logicalType":"timestamp-micros"}},{"name":"trace","type":["null","string"]},
 {"name":"call","type":{"type":"record","name":"Call","fields":[{"name":"model","type":"string"},{"name":"agent","type":["null","string"]},
 {"name":"input","type":"long"},{"name":"output","type":"long"},{"name":"seconds","type":"double"},{"name":"cached","type":"boolean"}]}}]})";
constexpr char proto_text[] = R"(syntax = "proto3"; import "google/protobuf/timestamp.proto";
message Call { string model = 1; optional string agent = 2; int64 input = 3; int64 output = 4; double seconds = 5; bool cached = 6; }
message Usage { string id = 1; string source = 2; string customer = 3; google.protobuf.Timestamp at = 4; optional string trace = 5;
Call call = 6; })";

struct event {
    std::string id, customer, trace, model, agent;
    int64_t at, input, output;
    double seconds;
    bool cached;
};

std::string varint(uint64_t number) {
    std::string made;
    for (; number > 127; number >>= 7) made += char((number & 127) | 128);
    return made + char(number);
}
std::string zigzag(int64_t number) { return varint(uint64_t(number) << 1 ^ uint64_t(number >> 63)); }
std::string counted(const std::string &text) { return zigzag(int64_t(text.size())) + text; }
std::string real(double value) { return std::string(reinterpret_cast<const char *>(&value), 8); }
std::string field(int number, const std::string &text) { return varint(uint64_t(number) << 3 | 2) + varint(text.size()) + text; }
std::string field(int number, int64_t value) { return varint(uint64_t(number) << 3) + varint(uint64_t(value)); }

std::string json(const event &e) {
    char text[1000], time[40];
    const time_t seconds = e.at / 1'000'000;
    strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", gmtime(&seconds));
    snprintf(text, sizeof text,
             R"({"id":"%s","source":"gateway","customer":"%s","at":"%s.%06dZ","trace":"%s","call":{"model":"%s","agent":"%s","input":%lld,"output":%lld,"seconds":%.3f,"cached":%s}})",
             e.id.c_str(), e.customer.c_str(), time, int(e.at % 1'000'000), e.trace.c_str(), e.model.c_str(), e.agent.c_str(),
             (long long)e.input, (long long)e.output, e.seconds, e.cached ? "true" : "false");
    return text;
}

std::string avro(const event &e) {
    return counted(e.id) + counted("gateway") + counted(e.customer) + zigzag(e.at) + "\2" + counted(e.trace) + counted(e.model) + "\2"
        + counted(e.agent) + zigzag(e.input) + zigzag(e.output) + real(e.seconds) + char(e.cached);
}

std::string protobuf(const event &e) {
    const std::string call = field(1, e.model) + field(2, e.agent) + field(3, e.input) + field(4, e.output) + "\x29" + real(e.seconds)
        + field(6, int64_t(e.cached));
    return field(1, e.id) + field(2, std::string("gateway")) + field(3, e.customer)
        + field(4, field(1, e.at / 1'000'000) + field(2, e.at % 1'000'000 * 1'000)) + field(5, e.trace) + field(6, call);
}

es_scanner *make_scanner() {
    const char *const names[] = {"", "id", "customer", "at", "call", "model", "agent", "input", "output"};
    std::vector<es_node> nodes;
    int32_t slot = 0;
    for (const char *name : names) {
        const bool is_inner = !*name || !strcmp(name, "call");
        nodes.push_back({name, uint32_t(strlen(name)), is_inner ? -1 : slot++, -1, *name ? 5u : 1u, is_inner ? 4u : 0u, -1});
    }
    const es_tree tree = {nodes.data(), nullptr, nullptr, uint32_t(nodes.size()), 0, 0, uint32_t(slot), 0};
    return es_create(&tree);
}

using records = std::vector<std::string>;

__attribute__((noinline)) int read_json(es_scanner *scanner, const records &all) {
    int good = 0;
    for (const auto &text : all) good += es_scan(scanner, text.data(), text.size(), 0, 1) == ES_OK;
    return good;
}

__attribute__((noinline)) int read_avro(rs_reader *reader, int program, const records &all) {
    int good = 0;
    for (const auto &text : all) good += rs_scan(reader, program, reinterpret_cast<const uint8_t *>(text.data()), text.size(), 1) == RS_OK;
    return good;
}

__attribute__((noinline)) int read_protobuf(rs_reader *reader, int program, const records &all) {
    int good = 0;
    for (const auto &text : all) good += rs_scan(reader, program, reinterpret_cast<const uint8_t *>(text.data()), text.size(), 1) == RS_OK;
    return good;
}

std::vector<event> make_events(int count) {
    std::mt19937_64 dice(1);
    std::vector<event> made;
    for (int i = 0; i < count; i++) {
        char id[40], trace[40];
        snprintf(id, sizeof id, "%08x-1111-4222-8333-%012d", unsigned(dice()), i);
        snprintf(trace, sizeof trace, "%016llx%016llx", (unsigned long long)dice(), (unsigned long long)dice());
        made.push_back({id, "customer-" + std::to_string(dice() % 500), trace, "model-" + std::to_string(dice() % 9),
                        "agent-" + std::to_string(dice() % 40), 1'772'323'200'000'000 + int64_t(dice() % 86'400'000'000),
                        int64_t(dice() % 20'000), int64_t(dice() % 3'000), double(dice() % 90'000) / 1'000, dice() % 2 == 0});
    }
    return made;
}

template <typename work> double best(int rounds, int count, work body) {
    double least = 1e9;
    for (int round = 0; round < rounds; round++) {
        const auto began = std::chrono::steady_clock::now();
        if (body() != count) exit(1);
        const std::chrono::duration<double, std::nano> passed = std::chrono::steady_clock::now() - began;
        least = std::min(least, passed.count() / count);
    }
    return least;
}
}  // namespace

int main(int count, char **words) {
    if (count != 3) return 2;
    const int events = atoi(words[1]), rounds = atoi(words[2]);
    records texts[3];
    for (const auto &each : make_events(events)) {
        texts[0].push_back(json(each));
        texts[1].push_back(avro(each));
        texts[2].push_back(protobuf(each));
    }
    es_scanner *const scanner = make_scanner(), *const other = make_scanner();
    rs_reader *const reader = rs_create(other);
    // As a catalog has them: the time of the envelope, and two integers.
    for (const int32_t slot : {2, 5, 6}) rs_needs_no_text(reader, slot);
    char why[200] = "";
    const rs_text schema = {"", avro_text, 0, sizeof avro_text - 1};
    const int by_avro = rs_add_avro(reader, &schema, 1, 0, why, sizeof why);
    const ps_text file = {"usage.proto", proto_text, 11, sizeof proto_text - 1};
    const int32_t index = 1;
    int is_index;
    ps_schema *const message = ps_create(&file, 1, &index, 1, &is_index, why, sizeof why);
    const int by_protobuf = message ? rs_add_protobuf(reader, message, 0, why, sizeof why) : -1;
    if (by_avro < 0 || by_protobuf < 0) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    const double json_time = best(rounds, events, [&] { return read_json(scanner, texts[0]); });
    const double avro_time = best(rounds, events, [&] { return read_avro(reader, by_avro, texts[1]); });
    const double protobuf_time = best(rounds, events, [&] { return read_protobuf(reader, by_protobuf, texts[2]); });
    printf("{\"events\": %d, \"json\": %.1f, \"avro\": %.1f, \"protobuf\": %.1f}\n", events, json_time, avro_time, protobuf_time);
}
