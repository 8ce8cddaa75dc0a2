internal import Metering

/// Reads one field of an event type.
enum FieldReader {
    private static let keys = [
        "at", "is", "scale", "round", "from", "required", "default", "max", "values", "each",
        "otherwise", "format", "zone",
    ]

    static func read(_ name: String, _ node: NodeReader) throws(CatalogError) -> FieldDeclaration {
        guard NodeReader.isName(name, upperCase: true, extra: "_") else {
            throw node.fail("a name is a letter a-z, then letters, digits and _")
        }
        let members = try node.members(keys)
        guard let at = members.first(where: { $0.key == "at" })?.value else {
            throw node.fail("'at' is missing")
        }
        var field = FieldDeclaration(name: name, pointer: [])
        field.places = try at.places(isAttribute: false)
        // Kind and scale are read first because they decide how numbers are read.
        for (key, value) in members where key == "is" {
            field.kind = try value.word(
                FieldDeclaration.Kind.self, [.text, .integer, .decimal, .boolean, .time])
        }
        for (key, value) in members where key == "scale" {
            field.scale = try scale(value, field.kind)
        }
        if field.kind == .decimal, !members.contains(where: { $0.key == "scale" }) {
            throw node.fail(
                "a decimal needs 'scale', from 0 to \(FieldDeclaration.scales.upperBound)")
        }
        for (key, value) in members {
            switch key {
            case "required": field.isRequired = try value.bool()
            case "each": field.isFanOut = try value.bool()
            case "values": field.values = try value.texts()
            case "default": try readDefault(value, &field)
            case "max": field.maximum = try maximum(value, field)
            case "round": field.isRounded = try isRounded(value, field.kind)
            case "otherwise": field.isForgiving = try isForgiving(value)
            case "from": field.from = try from(value, field.kind)
            default: break
            }
        }
        try readTime(members, &field)
        if field.kind != .text, field.isFanOut || !field.values.isEmpty {
            throw node.fail("'each' and 'values' are for texts")
        }
        if field.isForgiving, field.isRequired {
            throw node.fail("'otherwise' is for optional fields")
        }
        let isPointer = field.places.count == 1 && field.places[0].isPointer
        if field.isFanOut, !isPointer { throw node.fail("'each' has one pointer") }
        if let maximum = field.maximum, let number = field.defaultInteger,
            number.magnitude > maximum.magnitude
        {
            throw node.fail("'default' is beyond 'max'")
        }
        return field
    }

    private static func readTime(
        _ members: [(key: String, value: NodeReader)], _ field: inout FieldDeclaration
    ) throws(CatalogError) {
        func member(_ name: String) -> NodeReader? { members.first { $0.key == name }?.value }
        let (format, zone) = (member("format"), member("zone"))
        if field.kind != .time, let node = format ?? zone { throw node.fail("is for times") }
        field.time = try TimeRuleReader.read(format: format, zone: zone)
    }

    private static func isForgiving(_ node: NodeReader) throws(CatalogError) -> Bool {
        switch try node.text() {
        case "unknown": return true
        case "bad_field": return false
        default: throw node.fail("must be unknown or bad_field")
        }
    }

    private static func scale(
        _ node: NodeReader, _ kind: FieldDeclaration.Kind
    ) throws(CatalogError) -> Int {
        guard kind == .decimal else { throw node.fail("is for decimals") }
        let scales = FieldDeclaration.scales
        guard let scale = Int(try node.text()), scales.contains(scale) else {
            throw node.fail("must be from \(scales.lowerBound) to \(scales.upperBound)")
        }
        return scale
    }

    private static func isRounded(
        _ node: NodeReader, _ kind: FieldDeclaration.Kind
    ) throws(CatalogError) -> Bool {
        guard kind == .decimal else { throw node.fail("is for decimals") }
        guard try node.text() == "half_even" else { throw node.fail("must be half_even") }
        return true
    }

    private static func from(
        _ node: NodeReader, _ kind: FieldDeclaration.Kind
    ) throws(CatalogError) -> FieldDeclaration.From {
        switch kind {
        case .text: try node.word(FieldDeclaration.From.self, [.any])
        case .integer, .decimal: try node.word(FieldDeclaration.From.self, [.text])
        case .boolean, .time: throw node.fail("is for texts, integers and decimals")
        }
    }

    private static func maximum(
        _ node: NodeReader, _ field: FieldDeclaration
    ) throws(CatalogError) -> Int64 {
        guard field.kind == .integer || field.kind == .decimal else {
            throw node.fail("is for integers and decimals")
        }
        let maximum = try number(node, field)
        guard maximum > 0 else { throw node.fail("must be above 0") }
        return maximum
    }

    /// A number in the field's scale.
    private static func number(
        _ node: NodeReader, _ field: FieldDeclaration
    ) throws(CatalogError) -> Int64 {
        guard field.kind == .decimal else { return try node.integer() }
        guard case .scalar(let text, true, _) = node.node,
            let number = ScaledNumber.value(text, scale: field.scale)
        else {
            let largest = ScaledNumber.text(FieldDeclaration.largestInteger, scale: field.scale)
            throw node.fail(
                "must be a number with at most \(field.scale) decimals, and at most \(largest)")
        }
        return number
    }

    private static func readDefault(
        _ node: NodeReader, _ field: inout FieldDeclaration
    ) throws(CatalogError) {
        switch field.kind {
        case .text:
            field.defaultText = try node.text()
            if (field.defaultText?.utf8.count ?? 0) > EventLimits.textBytes {
                throw node.fail("longer than \(EventLimits.textBytes) bytes")
            }
        case .integer, .decimal: field.defaultInteger = try number(node, field)
        case .boolean: field.defaultInteger = try node.bool() ? 1 : 0
        case .time: throw node.fail("a time has no default")
        }
    }
}

extension Place {
    fileprivate var isPointer: Bool { if case .pointer = self { true } else { false } }
}
