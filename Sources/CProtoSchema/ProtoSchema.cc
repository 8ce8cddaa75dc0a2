#include "CProtoSchema.h"

#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/wrappers.pb.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace pb = google::protobuf;
using std::string;

struct ps_schema {
    std::vector<ps_message> messages;
    std::vector<ps_field> fields;
    std::vector<ps_symbols> enums;
    std::vector<ps_symbol> symbols;
    std::vector<string *> names;
    ps_table table{};
    ~ps_schema() {
        for (string *name : names) delete name;
    }
    const char *keep(const string &name) {
        names.push_back(new string(name));
        return names.back()->data();
    }
};

namespace {
/// The first error, with its line.
struct errors : pb::io::ErrorCollector, pb::DescriptorPool::ErrorCollector {
    string text;
    void AddError(int line, int, const string &message) override {
        if (text.empty()) text = "line " + std::to_string(line + 1) + ": " + message;
    }
    void AddError(const string &file, const string &element, const pb::Message *, ErrorLocation, const string &message) override {
        if (text.empty()) text = file + ": " + element + ": " + message;
    }
};

bool parse(const char *text, size_t length, pb::FileDescriptorProto &out, string &why) {
    if (length > size_t(INT32_MAX)) return false;
    pb::io::ArrayInputStream stream(text, int(length));
    // A text without a syntax is told on the standard error else.
    const pb::LogSilencer silence;
    errors found;
    pb::io::Tokenizer tokens(&stream, &found);
    pb::compiler::Parser parser;
    parser.RecordErrorsTo(&found);
    if (parser.Parse(&tokens, &out) && found.text.empty()) return true;
    why = found.text.empty() ? "it cannot be read" : found.text;
    return false;
}

/// Options that only other programs know need files that a registry may not have.
template <typename options> void strip(options *of) { of->clear_uninterpreted_option(); }

void strip(pb::EnumDescriptorProto &of) {
    // Of all options this one alone decides whether the enum is valid.
    bool has_aliases = false;
    for (const auto &option : of.options().uninterpreted_option())
        has_aliases = has_aliases
            || (option.name_size() == 1 && option.name(0).name_part() == "allow_alias" && option.identifier_value() == "true");
    strip(of.mutable_options());
    if (has_aliases) of.mutable_options()->set_allow_alias(true);
    for (auto &value : *of.mutable_value()) strip(value.mutable_options());
}

void strip(pb::DescriptorProto &of) {
    strip(of.mutable_options());
    of.clear_extension();
    for (auto &field : *of.mutable_field()) strip(field.mutable_options());
    for (auto &choice : *of.mutable_oneof_decl()) strip(choice.mutable_options());
    for (auto &range : *of.mutable_extension_range()) strip(range.mutable_options());
    for (auto &inner : *of.mutable_enum_type()) strip(inner);
    for (auto &inner : *of.mutable_nested_type()) strip(inner);
}

void strip(pb::FileDescriptorProto &of) {
    strip(of.mutable_options());
    of.clear_extension();
    of.clear_service();
    for (auto &inner : *of.mutable_enum_type()) strip(inner);
    for (auto &inner : *of.mutable_message_type()) strip(inner);
}

/// Files that come with Protobuf.
const pb::FileDescriptor *own_file(const string &path) {
    static const pb::FileDescriptor *const files[] = {
        pb::Timestamp::descriptor()->file(), pb::Duration::descriptor()->file(), pb::Any::descriptor()->file(),
        pb::Empty::descriptor()->file(),     pb::FieldMask::descriptor()->file(), pb::Struct::descriptor()->file(),
        pb::StringValue::descriptor()->file(), pb::FileDescriptorProto::descriptor()->file(),
    };
    for (const auto *file : files)
        if (file->name() == path) return file;
    return nullptr;
}

uint32_t kind_of(const pb::FieldDescriptor *field) {
    using F = pb::FieldDescriptor;
    switch (field->type()) {
    case F::TYPE_DOUBLE: return PS_DOUBLE;
    case F::TYPE_FLOAT: return PS_FLOAT;
    case F::TYPE_INT64: return PS_INT64;
    case F::TYPE_UINT64: return PS_UINT64;
    case F::TYPE_INT32: return PS_INT32;
    case F::TYPE_FIXED64: return PS_FIXED64;
    case F::TYPE_FIXED32: return PS_FIXED32;
    case F::TYPE_BOOL: return PS_BOOL;
    case F::TYPE_STRING: return PS_STRING;
    case F::TYPE_BYTES: return PS_BYTES;
    case F::TYPE_UINT32: return PS_UINT32;
    case F::TYPE_SFIXED32: return PS_SFIXED32;
    case F::TYPE_SFIXED64: return PS_SFIXED64;
    case F::TYPE_SINT32: return PS_SINT32;
    case F::TYPE_SINT64: return PS_SINT64;
    case F::TYPE_ENUM: return field->enum_type()->is_placeholder() ? PS_UNKNOWN : PS_ENUM;
    case F::TYPE_MESSAGE: return field->message_type()->is_placeholder() ? PS_UNKNOWN : PS_MESSAGE;
    default: return PS_GROUP;
    }
}

uint32_t meaning_of(const pb::Descriptor *message) {
    const string &name = message->full_name();
    if (message->options().map_entry()) return PS_MAP_ENTRY;
    if (name == "google.protobuf.Timestamp") return PS_TIMESTAMP;
    if (name == "google.protobuf.Duration") return PS_DURATION;
    const bool is_wrapper = message->file()->name() == "google/protobuf/wrappers.proto" && message->field_count() == 1;
    return is_wrapper ? PS_WRAPPER : PS_PLAIN;
}

/// Numbers messages and enums in the order in which they are met.
struct flattening {
    ps_schema &out;
    std::map<const pb::Descriptor *, int32_t> messages;
    std::map<const pb::EnumDescriptor *, int32_t> enums;
    std::vector<const pb::Descriptor *> order;

    int32_t number(const pb::Descriptor *message) {
        const auto [found, is_new] = messages.try_emplace(message, int32_t(order.size()));
        if (is_new) order.push_back(message);
        return found->second;
    }

    int32_t number(const pb::EnumDescriptor *symbols) {
        const auto [found, is_new] = enums.try_emplace(symbols, int32_t(enums.size()));
        if (!is_new) return found->second;
        out.enums.push_back({uint32_t(out.symbols.size()), uint32_t(symbols->value_count())});
        for (int i = 0; i < symbols->value_count(); i++) {
            const auto *value = symbols->value(i);
            out.symbols.push_back({out.keep(value->name()), uint32_t(value->name().size()), value->number()});
        }
        return found->second;
    }

    void add(const pb::Descriptor *message) {
        std::vector<const pb::FieldDescriptor *> sorted;
        for (int i = 0; i < message->field_count(); i++) sorted.push_back(message->field(i));
        std::sort(sorted.begin(), sorted.end(), [](auto a, auto b) { return a->number() < b->number(); });
        out.messages.push_back({meaning_of(message), uint32_t(out.fields.size()), uint32_t(sorted.size())});
        for (const auto *field : sorted) {
            ps_field made{};
            made.name = out.keep(field->name());
            made.name_length = uint32_t(field->name().size());
            made.number = uint32_t(field->number());
            made.kind = kind_of(field);
            made.is_repeated = field->is_repeated();
            made.has_presence = field->has_presence();
            made.message = made.kind == PS_MESSAGE ? number(field->message_type()) : -1;
            made.symbols = made.kind == PS_ENUM ? number(field->enum_type()) : -1;
            const auto *choice = field->real_containing_oneof();
            made.choice = choice ? choice->index() : -1;
            out.fields.push_back(made);
        }
    }

    void run(const pb::Descriptor *root) {
        number(root);
        for (size_t i = 0; i < order.size(); i++) add(order[i]);
    }
};

const pb::Descriptor *message_at(const pb::FileDescriptor *file, const int32_t *indexes, size_t count) {
    const pb::Descriptor *found = nullptr;
    for (size_t i = 0; i < count; i++) {
        const int32_t index = indexes[i];
        if (index < 0 || index >= (found ? found->nested_type_count() : file->message_type_count())) return nullptr;
        found = found ? found->nested_type(index) : file->message_type(index);
    }
    return found && !found->options().map_entry() ? found : nullptr;
}

struct builder {
    pb::DescriptorPool pool;
    std::set<string> built;
    string why;

    /// Adds a file of Protobuf itself, after what it imports.
    void add_own(const pb::FileDescriptor *file) {
        if (!built.insert(file->name()).second) return;
        for (int i = 0; i < file->dependency_count(); i++) add_own(file->dependency(i));
        pb::FileDescriptorProto copy;
        file->CopyTo(&copy);
        pool.BuildFile(copy);
    }

    const pb::FileDescriptor *add(const ps_text &text) {
        pb::FileDescriptorProto file;
        const string path(text.path, text.path_length);
        if (!parse(text.text, text.text_length, file, why)) {
            why = path + ": " + why;
            return nullptr;
        }
        file.set_name(path);
        strip(file);
        for (const auto &import : file.dependency())
            if (const auto *own = own_file(import)) add_own(own);
        // The own files win over copies of them.
        if (const auto *own = own_file(path)) {
            add_own(own);
            return pool.FindFileByName(path);
        }
        errors found;
        if (!built.insert(path).second) {
            why = path + " is there twice";
            return nullptr;
        }
        const auto *made = pool.BuildFileCollectingErrors(file, &found);
        if (!made) why = found.text;
        return made;
    }
};
}  // namespace

extern "C" ps_schema *ps_create(const ps_text *texts, size_t count, const int32_t *indexes, size_t index_count,
                                int *is_index, char *why, size_t capacity) {
    builder building;
    building.pool.AllowUnknownDependencies();
    const pb::FileDescriptor *file = nullptr;
    *is_index = 0;
    for (size_t i = 0; i < count; i++) {
        file = building.add(texts[i]);
        if (!file) break;
    }
    const pb::Descriptor *root = file ? message_at(file, indexes, index_count) : nullptr;
    if (!root) {
        if (file) {
            *is_index = 1;
            building.why = "the file has no message at these indexes";
        }
        snprintf(why, capacity, "%s", building.why.c_str());
        return nullptr;
    }
    auto *made = new ps_schema;
    flattening{*made, {}, {}, {}}.run(root);
    made->table = {made->messages.data(), made->fields.data(), made->enums.data(), made->symbols.data(),
                   uint32_t(made->messages.size()), uint32_t(made->fields.size())};
    return made;
}

extern "C" void ps_destroy(ps_schema *schema) { delete schema; }
extern "C" const ps_table *ps_table_of(const ps_schema *schema) { return &schema->table; }

extern "C" int ps_imports(const char *text, size_t length, void *context, void (*take)(void *, const char *, size_t)) {
    pb::FileDescriptorProto file;
    string why;
    if (!parse(text, length, file, why)) return 0;
    for (const auto &import : file.dependency()) take(context, import.data(), import.size());
    return 1;
}
