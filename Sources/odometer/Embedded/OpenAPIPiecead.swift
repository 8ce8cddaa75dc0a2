// Written by scripts/embed from schemas/; change the files there, not this one.
// swift-format-ignore-file

extension OpenAPIText {
    static let piecead = #"""
      type: object
      required: [start, end]
      additionalProperties: false
      properties:
        start: {$ref: '#/components/schemas/Instant'}
        end: {$ref: '#/components/schemas/Instant'}
        value: {$ref: '#/components/schemas/MeterValue'}
        rows:
          type: array
          items:
            description: The dimensions of `by` as texts, and the value.
            type: object
            required: [value]
            properties: {value: {$ref: '#/components/schemas/MeterValue'}}
            additionalProperties: {type: string}
        steps:
          type: array
          items:
            type: object
            required: [low, high, count]
            additionalProperties: false
            properties: {low: {type: integer}, high: {type: integer}, count: {$ref: '#/components/schemas/Count'}}
        cells: {type: array, items: {$ref: '#/components/schemas/GridCell'}}
      oneOf: [{required: [value]}, {required: [rows]}, {required: [steps]}, {required: [cells]}]
    MeterValue: {description: 'A text for extremes; times in RFC 3339 with seven decimals.', type: [integer, string, 'null']}

"""#
}
