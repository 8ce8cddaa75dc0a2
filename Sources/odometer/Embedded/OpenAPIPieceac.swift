// Written by scripts/embed from schemas/; change the files there, not this one.
// swift-format-ignore-file

extension OpenAPIText {
    static let pieceac = #"""
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    PlainFault:
      description: A fault of ours.
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    CodedError:
      description: What the status code says. The message names a bad parameter.
      content: {application/json: {schema: {$ref: '#/components/schemas/CodedError'}}}
    IdentityError:
      description: What the code says. The message names a bad parameter.
      content: {application/json: {schema: {$ref: '#/components/schemas/IdentityError'}}}
    IdentityFault:
      description: A fault of ours.
      content: {application/json: {schema: {$ref: '#/components/schemas/IdentityError'}}}
    CodedBadRequest:
      description: A parameter, which the message names, or a malformed request, which has the plain body.
      content:
        application/json:
          schema: {anyOf: [{$ref: '#/components/schemas/CodedError'}, {$ref: '#/components/schemas/PlainError'}]}
    CodedUnavailable:
      description: Redis is away, there is no ledger yet, or it took too long. Never zeros.
      headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/CodedError'}}}
    IdentityBadRequest:
      description: A parameter, which the message names, or a malformed request, which has the plain body.
      content:
        application/json:
          schema: {anyOf: [{$ref: '#/components/schemas/IdentityError'}, {$ref: '#/components/schemas/PlainError'}]}
    IdentityUnavailable:
      description: Redis is away, there is no ledger yet, or it took too long. Never zeros.
      headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/IdentityError'}}}
    PlainMethodNotAllowed:
      description: Another method than those in Allow.
      headers: {Allow: {required: true, schema: {type: string}}}
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    LongTarget:
      description: Path and query are longer than 20 KB; each parameter counts 64 bytes more. The connection is closed.
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    LargeHead: {description: The head of the request is larger than 32 KB. The connection is closed.}
    PlainTooManyRequests:
      description: Too much of one key, too many without a key of one address, or of one organization at the same time.
      headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    CodedMethodNotAllowed:
      description: Another method than those in Allow.
      headers: {Allow: {required: true, schema: {type: string}}}
      content: {application/json: {schema: {$ref: '#/components/schemas/CodedError'}}}
    CodedTooManyRequests:
      description: Too much of one key, too many without a key of one address, or of one organization at the same time.
      headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/CodedError'}}}
    IdentityMethodNotAllowed:
      description: Another method than those in Allow.
      headers: {Allow: {required: true, schema: {type: string}}}
      content: {application/json: {schema: {$ref: '#/components/schemas/IdentityError'}}}
    IdentityTooManyRequests:
      description: Too much of one key, too many without a key of one address, or of one organization at the same time.
      headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/IdentityError'}}}
    State:
      description: It is so.
      content: {application/json: {schema: {$ref: '#/components/schemas/State'}}}
    NotReady:
      description: Not now. The reason is told on the listener for machines only.
      headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
  schemas:
    Count: {type: integer, minimum: 0}
    Date: {type: string, format: date}
    PlainError:
      type: object
      required: [error, message]
      additionalProperties: false
      properties:
        error: {type: string, description: The reason phrase of the status.}
        message: {type: string}
    CodedError:
      type: object
      required: [statusCode, error, message]
      additionalProperties: false
      properties:
        statusCode: {type: integer, minimum: 400, maximum: 599}
        error: {type: string, description: The reason phrase of the status.}
        message: {type: string}
    IdentityError:
      type: object
      required: [code, message]
      additionalProperties: false
      properties:
        code:
          type: string
          enum:
            [VALIDATION_ERROR, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, METHOD_NOT_ALLOWED, TOO_MANY_REQUESTS, INTERNAL_ERROR, NOT_IMPLEMENTED,
             UNAVAILABLE]
        message: {type: string}
    State:
      type: object
      required: [status]
      additionalProperties: false
      properties: {status: {type: string, enum: [ok]}}
    DayCount:
      type: object
      required: [date, count]
      additionalProperties: false
      properties: {date: {$ref: '#/components/schemas/Date'}, count: {$ref: '#/components/schemas/Count'}}
    DayValue:
      type: object
      required: [date, value]
      additionalProperties: false
      properties: {date: {$ref: '#/components/schemas/Date'}, value: {$ref: '#/components/schemas/Count'}}
    Overview:
      type: object
      required: [overview]
      additionalProperties: false
      properties:
        overview:
          type: object
          required: [organization, totals, usage, plan, recentActivity]
          additionalProperties: false
          properties:
            organization:
              type: object
              required: [_id, name]
              additionalProperties: false
              properties: {_id: {type: string}, name: {type: [string, 'null']}}
            totals:
              type: object
              required: [buckets, dataSources, dataPoints, alertRules, apiKeys]
              additionalProperties: false
              properties:
                buckets: {$ref: '#/components/schemas/Count'}
                dataSources: {$ref: '#/components/schemas/Count'}
                dataPoints: {$ref: '#/components/schemas/Count'}
                alertRules: {$ref: '#/components/schemas/Count'}
                apiKeys: {$ref: '#/components/schemas/Count'}
            usage:
              type: object
              required: [apiCallsThisMonth, apiCallsLimit, apiCallsPercentage, storageUsedBytes, storageUsedFormatted]
              additionalProperties: false
              properties:
                apiCallsThisMonth: {$ref: '#/components/schemas/Count'}
                apiCallsLimit: {description: 0 without a plan., type: integer, minimum: 0}
                apiCallsPercentage: {description: One decimal., type: number, minimum: 0}
                storageUsedBytes: {$ref: '#/components/schemas/Count'}
                storageUsedFormatted: {type: string, pattern: '^[0-9]+([.][0-9]{0,1}[1-9])? ([KMGTPE]?B)$'}
            plan:
              description: Every member null without a plan.
              type: object
              required: [name, maxBuckets, maxRetentionDays, maxApiCalls]
              additionalProperties: false
              properties:
                name: {type: [string, 'null']}
                maxBuckets: {type: [integer, 'null'], minimum: 0}
                maxRetentionDays: {type: [integer, 'null'], minimum: 0}
                maxApiCalls: {type: [integer, 'null'], minimum: 0}
            recentActivity:
              type: object
              required: [lastDataIngestion, lastAlertTriggered, dataPointsLast24h, alertsTriggeredLast24h]
              additionalProperties: false
              properties:
                lastDataIngestion: {$ref: '#/components/schemas/SecondOrNull'}
                lastAlertTriggered: {$ref: '#/components/schemas/SecondOrNull'}
                dataPointsLast24h: {$ref: '#/components/schemas/Count'}
                alertsTriggeredLast24h: {$ref: '#/components/schemas/Count'}
    SecondOrNull: {type: [string, 'null'], pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$'}
    WorkspaceTotals:
      type: object
      required: [projects_total, threads_total, interactions_total, agent_flows_total, uploaded_artifacts_total]
      additionalProperties: false
      properties:
        projects_total: {$ref: '#/components/schemas/Count'}
        threads_total: {$ref: '#/components/schemas/Count'}
        interactions_total: {$ref: '#/components/schemas/Count'}
        agent_flows_total: {$ref: '#/components/schemas/Count'}
        uploaded_artifacts_total: {$ref: '#/components/schemas/Count'}
    RankedUser:
      type: object
      required: [user, interactions_created, agent_flows_created]
      additionalProperties: false
      properties:
        user:
          description: The id and org_id with null for the rest, where the directory has no such member.
          type: object
          required: [id, org_id, account_id, name, email, state, roles, created_at]
          additionalProperties: false
          properties:
            id: {type: string}
            org_id: {type: string}
            account_id: {type: [string, 'null']}
            name: {type: [string, 'null']}
            email: {type: [string, 'null']}
            state: {type: [string, 'null']}
            roles: {type: [array, 'null'], items: {type: string}}
            created_at: {type: [string, 'null']}
        interactions_created: {$ref: '#/components/schemas/Count'}
        agent_flows_created: {$ref: '#/components/schemas/Count'}
    RankedProject:
      type: object
      required: [project, interactions_created, agent_flows_created]
      additionalProperties: false
      properties:
        project:
          description: The id with null for the rest, where the directory has no such project.
          type: object
          required:
            [id, name, goal, deadline, visibility, member_count, default_member_role, default_role_enabled, project_context,
             answer_context, is_pinned]
          additionalProperties: false
          properties:
            id: {type: string}
            name: {type: [string, 'null']}
            goal: {type: [string, 'null']}
            deadline: {type: [string, 'null']}
            visibility: {type: [string, 'null']}
            member_count: {type: [integer, 'null']}
            default_member_role: {type: [string, 'null']}
            default_role_enabled: {type: [boolean, 'null']}
            project_context: {type: [string, 'null']}
            answer_context: {type: [string, 'null']}
            is_pinned: {type: [boolean, 'null']}
        interactions_created: {$ref: '#/components/schemas/Count'}
        agent_flows_created: {$ref: '#/components/schemas/Count'}
    Tick: {type: [string, 'null'], pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{7}Z$'}
    ConnectionRow:
      type: object
      required:
        [organizationId, serviceName, protocolName, dataCenter, totalConnections, newConnectionsInPeriod, uniqueApiKeys,
         averageConnectionDurationSeconds, totalConnectionTimeSeconds, firstConnection, lastConnection, lastActivity]
      additionalProperties: false
      properties:
        organizationId: {type: string}
        serviceName: {type: string}
        protocolName: {type: string}
        dataCenter: {type: string}
        totalConnections:
          description: >-
            Those whose life overlaps the period. One that was closed and never opened was open when the counting began.
          type: integer
          minimum: 0
        newConnectionsInPeriod: {description: Opened in it., type: integer, minimum: 0}
        uniqueApiKeys: {description: 'Of those opened, active or closed in it; standard error 0.81 %.', type: integer, minimum: 0}
        averageConnectionDurationSeconds: {description: Of those closed in it; 0 when none., type: integer, minimum: 0}
        totalConnectionTimeSeconds: {description: Of those closed in it., type: integer, minimum: 0}
        firstConnection: {$ref: '#/components/schemas/Tick'}
        lastConnection: {$ref: '#/components/schemas/Tick'}
        lastActivity: {$ref: '#/components/schemas/Tick'}
    Trend:
      description: This range against the one of as many days just before it.
      type: object
      required: [current, previous, change, changePercentage]
      additionalProperties: false
      properties:
        current: {$ref: '#/components/schemas/Count'}
        previous: {$ref: '#/components/schemas/Count'}
        change: {type: integer}
        changePercentage: {description: One decimal; null when previous is 0., type: [number, 'null']}
    TrendData:
      type: object
      required: [previousPeriod, daily]
      additionalProperties: false
      properties:
        previousPeriod:
          type: object
          required: [startDate, endDate]
          additionalProperties: false
          properties: {startDate: {$ref: '#/components/schemas/PeriodEdge'}, endDate: {$ref: '#/components/schemas/PeriodEdge'}}
        daily:
          type: array
          minItems: 1
          maxItems: 366
          items:
            type: object
            required: [date, count, previousCount]
            additionalProperties: false
            properties:
              date: {$ref: '#/components/schemas/Date'}
              count: {$ref: '#/components/schemas/Count'}
              previousCount: {$ref: '#/components/schemas/Count'}
    PeriodEdge: {type: string, pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T00:00:00Z$'}
    DayCounts: {type: array, minItems: 1, maxItems: 366, items: {$ref: '#/components/schemas/DayCount'}}
    CountryCounts:
      description: By count descending, then name.
      type: array
      items:
        type: object
        required: [country, count]
        additionalProperties: false
        properties: {country: {type: string}, count: {$ref: '#/components/schemas/Count'}}
    Counts: {type: object, additionalProperties: {$ref: '#/components/schemas/Count'}}
    OrganizationMetrics:
      type: object
      required: [sessions, consentEvents, complianceRequests]
      additionalProperties: false
      properties:
        sessions:
          type: object
          required: [dailySessionCounts, dateRangeTotal, trend]
          additionalProperties: false
          properties:
            dailySessionCounts: {$ref: '#/components/schemas/DayCounts'}

"""#
}
