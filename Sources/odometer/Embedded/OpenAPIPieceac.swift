// Written by scripts/embed from schemas/; change the files there, not this one.
// swift-format-ignore-file

extension OpenAPIText {
    static let pieceac = #"""
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
        totalConnections: {description: Those whose life overlaps the period., type: integer, minimum: 0}
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
            totalUsers: {description: 'Distinct users; standard error 0.81 %.', type: integer, minimum: 0}
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

"""#
}
