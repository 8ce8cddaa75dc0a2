internal import CRdkafka

/// Small numbers for topics, so that a record carries no name.
///
/// A record points to the library's topic object. The table keeps a reference to each object that
/// it knows, so that an address never comes to mean another topic; `destroyAll` releases them.
struct TopicTable {
    private var objects: [(address: OpaquePointer, id: Int32)] = []
    private var held: [OpaquePointer] = []
    private(set) var names: [String] = []

    /// The number of a record's topic; takes a few comparisons.
    mutating func id(of object: OpaquePointer?, client: OpaquePointer) -> Int32 {
        guard let object else { return -1 }
        for entry in objects where entry.address == object { return entry.id }
        // The first record of a topic. Its own address is not remembered: without a reference, it
        // may come to mean another topic.
        let name = rd_kafka_topic_name(object).map { String(cString: $0) } ?? ""
        return id(named: name, client: client)
    }

    mutating func id(named name: String, client: OpaquePointer) -> Int32 {
        if let index = names.firstIndex(of: name) { return Int32(index) }
        let id = Int32(names.count)
        names.append(name)
        if let object = rd_kafka_topic_new(client, name, nil) {
            held.append(object)
            objects.append((object, id))
        }
        return id
    }

    mutating func destroyAll() {
        for object in held { rd_kafka_topic_destroy(object) }
        held = []
        objects = []
    }
}
