// Written by scripts/embed from schemas/; change the files there, not this one.
// swift-format-ignore-file

extension OpenAPIText {
    static let piecead = #"""
            dateRangeTotal: {$ref: '#/components/schemas/Count'}
            trend: {$ref: '#/components/schemas/Trend'}
        consentEvents:
          type: object
          required:
            [browserCounts, categoryStats, dailyEventCounts, fullConsent, geographyCounts, noConsent, osCounts, partialConsent,
             totalCategories, totalEvents, totalUsers, trend, trendData]
          additionalProperties: false
          properties:
            browserCounts:
              description: By count descending, then name.
              type: array
              items:
                type: object
                required: [browser, count]
                additionalProperties: false
                properties: {browser: {type: string}, count: {$ref: '#/components/schemas/Count'}}
            categoryStats:
              type: object
              additionalProperties:
                type: object
                required: [granted, denied]
                additionalProperties: false
                properties: {granted: {$ref: '#/components/schemas/Count'}, denied: {$ref: '#/components/schemas/Count'}}
            dailyEventCounts: {$ref: '#/components/schemas/DayCounts'}
            fullConsent: {$ref: '#/components/schemas/Count'}
            geographyCounts: {$ref: '#/components/schemas/CountryCounts'}
            noConsent: {$ref: '#/components/schemas/Count'}
            osCounts:
              description: By count descending, then name.
              type: array
              items:
                type: object
                required: [os, count]
                additionalProperties: false
                properties: {os: {type: string}, count: {$ref: '#/components/schemas/Count'}}
            partialConsent: {$ref: '#/components/schemas/Count'}
            totalCategories: {$ref: '#/components/schemas/Count'}
            totalEvents: {$ref: '#/components/schemas/Count'}
            totalUsers: {description: 'Distinct users; standard error 0.81 %. Consents without a user are none.', type: integer, minimum: 0}
            trend: {$ref: '#/components/schemas/Trend'}
            trendData: {$ref: '#/components/schemas/TrendData'}
        complianceRequests:
          type: object
          required:
            [dailyRequestCounts, dateRangeTotal, geographyCounts, resolutionMetrics, statusStats, statusByType, totalRequests, trend,
             trendData, typeStats]
          additionalProperties: false
          properties:
            dailyRequestCounts: {$ref: '#/components/schemas/DayCounts'}
            dateRangeTotal: {$ref: '#/components/schemas/Count'}
            geographyCounts: {$ref: '#/components/schemas/CountryCounts'}
            resolutionMetrics:
              description: Days with two decimals over the requests resolved in the range; 0 when none. The median is within 1 %.
              type: object
              required: [avgResolutionDays, medianResolutionDays, minResolutionDays, maxResolutionDays]
              additionalProperties: false
              properties:
                avgResolutionDays: {type: number, minimum: 0}
                medianResolutionDays: {type: number, minimum: 0}
                minResolutionDays: {type: number, minimum: 0}
                maxResolutionDays: {type: number, minimum: 0}
            statusStats: {description: Where the requests created in the range stand now., $ref: '#/components/schemas/Counts'}
            statusByType: {type: object, additionalProperties: {$ref: '#/components/schemas/Counts'}}
            totalRequests: {description: Ever., type: integer, minimum: 0}
            trend: {$ref: '#/components/schemas/Trend'}
            trendData: {$ref: '#/components/schemas/TrendData'}
            typeStats: {$ref: '#/components/schemas/Counts'}
    TokenTrend:
      type: object
      required: [tenantId, days, data]
      additionalProperties: false
      properties:
        tenantId: {type: string}
        days: {type: integer, minimum: 1, maximum: 90}
        data: {type: array, minItems: 1, maxItems: 90, items: {$ref: '#/components/schemas/DayCount'}}
    AgentActivity:
      type: object
      required: [tenantId, data]
      additionalProperties: false
      properties:
        tenantId: {type: string}
        data:
          type: array
          maxItems: 168
          items: {$ref: '#/components/schemas/GridCell'}
    GridCell:
      type: object
      required: [dow, hour, count]
      additionalProperties: false
      properties:
        dow: {description: 0 = Sunday., type: integer, minimum: 0, maximum: 6}
        hour: {type: integer, minimum: 0, maximum: 23}
        count: {type: integer, minimum: 1}
    AgentUsage:
      type: object
      required: [tenantId, month, data]
      additionalProperties: false
      properties:
        tenantId: {type: string}
        month: {type: string, pattern: '^[0-9]{4}-(0[1-9]|1[0-2])$'}
        data:
          type: array
          items:
            type: object
            required: [agentId, tokenCount]
            additionalProperties: false
            properties: {agentId: {type: string}, tokenCount: {type: integer, minimum: 1}}
    MeterList:
      type: object
      required: [meters]
      additionalProperties: false
      properties: {meters: {type: array, items: {$ref: '#/components/schemas/Meter'}}}
    Kind: {type: string, enum: [count, sum, level, extreme, distinct, histogram, ranking, grid]}
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
