// Written by scripts/embed from schemas/; change the files there, not this one.
// swift-format-ignore-file

extension OpenAPIText {
    static let piecead = #"""
    Meter:
      type: object
      required: [name, kind, windows, by, per]
      additionalProperties: false
      properties:
        name: {type: string}
        kind: {$ref: '#/components/schemas/Kind'}
        keep: {description: Of extremes only., type: string, enum: [min, max, first, last]}
        windows: {type: array, items: {type: string, enum: [minute, quarter, day, month, all]}}
        by: {type: array, items: {type: string}}
        per: {description: 'Its scopes, each a list of dimensions; an empty one is the whole organization.', type: array, items: {type: array, items: {type: string}}}
    MeterAnswer:
      type: object
      required: [meter, kind, per, data]
      additionalProperties: false
      properties:
        meter: {type: string}
        kind: {$ref: '#/components/schemas/Kind'}
        per: {type: object, additionalProperties: {type: string}}
        data: {description: 'One piece, or one a window.', type: array, items: {$ref: '#/components/schemas/MeterPiece'}}
    Instant: {type: [string, 'null'], pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$'}
    MeterPiece:
      description: A value, or one row a tuple of the meter's `by`, one step of a histogram, one cell of a grid.
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
