internal import CEventScan

/// How large the parts of an event may be, as published in `schemas/events/README.md`.
public enum EventLimits {
    /// Bytes of a record's value.
    public static var valueBytes: Int { 1_048_576 }
    /// Bytes of an id, a source, a subject (which is an organization's id), or any other text.
    public static var textBytes: Int { 256 }
    /// Entries of a list: an object or array whose entries are counted one by one.
    public static var entries: Int { Int(ES_MAX_ENTRIES) }
    /// Events of one record.
    public static var events: Int { Int(ES_MAX_PARTS) }
    /// Levels of nested JSON.
    public static var levels: Int { Int(ES_MAX_DEPTH) }
}
