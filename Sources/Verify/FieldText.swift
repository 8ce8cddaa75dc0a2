import Workload

/// Reads the declaration of a field.
enum FieldText {
    static func field(_ name: String, _ node: YAMLNode) throws(VerifyError) -> OracleField {
        var field = OracleField(name, at: "")
        var most: String?
        for (attribute, value) in try CatalogText.members(node, "field \(name)") {
            let place = "field \(name): \(attribute)"
            switch attribute {
            case "at":
                if let pointer = value.text {
                    field.pointer = pointer
                } else {
                    field.places = try PlaceText.places(value)
                }
            case "format": field.time.formats = try timeRule(value, nil).formats
            case "zone": field.time.zone = try timeRule(nil, value).zone
            case "otherwise":
                field.isForgiving = try CatalogText.text(value, place) == "unknown"
            case "is": field.kind = try word(value, place)
            case "from": field.from = try word(value, place)
            case "scale":
                guard let scale = Int(try CatalogText.text(value, place)) else {
                    throw CatalogText.wrong("\(place) is no number")
                }
                field.scale = scale
            case "round":
                guard try CatalogText.text(value, place) == "half_even" else {
                    throw CatalogText.wrong("\(place) is unknown")
                }
                field.isRounded = true
            case "required": field.isRequired = try CatalogText.truth(value, place)
            case "default": field.standIn = try CatalogText.text(value, place)
            case "max": most = try CatalogText.text(value, place)
            case "values": field.values = try CatalogText.texts(value, place)
            case "each": field.isEach = try CatalogText.truth(value, place)
            default: throw CatalogText.wrong("\(place) is an unknown key")
            }
        }
        if let most {
            // The scale may be declared after it.
            let number =
                field.kind == .decimal
                ? DecimalText(most.utf8)?.scaled(field.scale, rounds: false) : Int64(most)
            guard let number, number > 0 else {
                throw CatalogText.wrong("field \(name): max is no number above 0")
            }
            field.most = number
        }
        return field
    }

    /// How times are written.
    static func timeRule(
        _ format: YAMLNode?, _ zone: YAMLNode?
    ) throws(VerifyError) -> OracleTimeRule {
        var rule = OracleTimeRule()
        if let format {
            var texts: [String] = []
            if let text = format.text {
                texts = [text]
            } else {
                texts = try CatalogText.texts(format, "format")
            }
            rule.formats = []
            for text in texts {
                guard let known = OracleTimeRule.Format(text) else {
                    throw CatalogText.wrong("format: unknown \(text)")
                }
                rule.formats.append(known)
            }
        }
        if let zone {
            rule.zone = try ZoneFiles.zone(try CatalogText.text(zone, "zone"))
        }
        return rule
    }

    private static func word<Word: RawRepresentable>(
        _ node: YAMLNode, _ place: String
    ) throws(VerifyError) -> Word where Word.RawValue == String {
        guard let word = Word(rawValue: try CatalogText.text(node, place)) else {
            throw CatalogText.wrong("\(place) is unknown")
        }
        return word
    }
}
