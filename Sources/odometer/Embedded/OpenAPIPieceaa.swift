// Written by scripts/embed from schemas/; change the files there, not this one.
// swift-format-ignore-file

extension OpenAPIText {
    static let pieceaa = #"""
openapi: 3.1.0
info:
  title: Odometer
  version: 1.0.0
  summary: Usage events as exact answers.
  description: |
    Five analytics APIs and one of Odometer's own, each with its own way to authenticate. Every answer is about the organization of the
    credential. Times are UTC. GET routes answer HEAD too. What the bodies have no room for stands in headers: `X-Odometer-Range` says
    which range was really answered, `X-Odometer-As-Of` how far in the log the numbers reach.
servers:
  - url: http://127.0.0.1:8080
tags:
  - {name: overview, description: Organization overview.}
  - {name: workspace, description: Workspace analytics.}
  - {name: connections, description: Connection analytics.}
  - {name: privacy, description: Organization metrics.}
  - {name: identity, description: Identity provider analytics.}
  - {name: operations, description: The meters as they are. The state of the process.}
paths:
  /api/analytics/overview:
    get:
      operationId: getOverview
      tags: [overview]
      summary: What an organization has and uses now.
      security: [{overviewKey: []}]
      responses:
        '200':
          description: The overview.
          headers:
            ETag: {$ref: '#/components/headers/ETag'}
            X-Odometer-As-Of: {$ref: '#/components/headers/AsOf'}
            X-Odometer-Range: {$ref: '#/components/headers/Range'}
            X-Odometer-Snapshot: {$ref: '#/components/headers/Snapshot'}
            X-Odometer-Parked: {$ref: '#/components/headers/Parked'}
          content: {application/json: {schema: {$ref: '#/components/schemas/Overview'}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401':
          description: No key, or none that is known and live.
          content:
            application/json:
              schema:
                type: object
                required: [error, message]
                additionalProperties: false
                properties: {error: {const: Unauthorized}, message: {const: Invalid or missing API key}}
        '403':
          description: A live key that is no admin key.
          content:
            application/json:
              schema:
                type: object
                required: [error, message]
                additionalProperties: false
                properties: {error: {const: Forbidden}, message: {const: Only Admin keys can access organization analytics}}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '503': {$ref: '#/components/responses/PlainUnavailable'}
  /api/v1/app/organization/analytics/totals:
    get:
      operationId: getWorkspaceTotals
      tags: [workspace]
      summary: What exists now; with dates, what was created between them.
      security: [{workspaceToken: []}]
      parameters:
        - {$ref: '#/components/parameters/Organization'}
        - {$ref: '#/components/parameters/StartSeconds'}
        - {$ref: '#/components/parameters/EndSeconds'}
      responses:
        '200':
          description: The totals.
          headers:
            ETag: {$ref: '#/components/headers/ETag'}
            X-Odometer-As-Of: {$ref: '#/components/headers/AsOf'}
            X-Odometer-Range: {$ref: '#/components/headers/Range'}
            X-Odometer-Snapshot: {$ref: '#/components/headers/Snapshot'}
            X-Odometer-Parked: {$ref: '#/components/headers/Parked'}
          content: {application/json: {schema: {$ref: '#/components/schemas/WorkspaceTotals'}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '503': {$ref: '#/components/responses/PlainUnavailable'}
  /api/v1/app/organization/analytics/ranking/active-users:
    get:
      operationId: getActiveUsers
      tags: [workspace]
      summary: Members by interactions and agent flows, most active first.
      description: |
        Single days are kept for 400 days, whole calendar months for ever. A range that reaches further back than the kept days must be
        made of whole months there; else the answer is 400 and its message names the first day that is kept.
        The first request about an organization with very many members can be 503 for some seconds while their sums are prepared.
      security: [{workspaceToken: []}]
      parameters:
        - {$ref: '#/components/parameters/Organization'}
        - {$ref: '#/components/parameters/StartSeconds'}
        - {$ref: '#/components/parameters/EndSeconds'}
        - {$ref: '#/components/parameters/Limit'}
      responses:
        '200':
          description: The ranking.
          headers:
            ETag: {$ref: '#/components/headers/ETag'}
            X-Odometer-As-Of: {$ref: '#/components/headers/AsOf'}
            X-Odometer-Range: {$ref: '#/components/headers/Range'}
            X-Odometer-Snapshot: {$ref: '#/components/headers/Snapshot'}
            X-Odometer-Parked: {$ref: '#/components/headers/Parked'}
          content:
            application/json:
              schema: {type: array, maxItems: 100, items: {$ref: '#/components/schemas/RankedUser'}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '503': {$ref: '#/components/responses/PlainUnavailable'}
  /api/v1/app/organization/analytics/ranking/active-projects:
    get:
      operationId: getActiveProjects
      tags: [workspace]
      summary: Projects by interactions and agent flows, most active first.
      description: |
        Single days are kept for 400 days, whole calendar months for ever. A range that reaches further back than the kept days must be
        made of whole months there; else the answer is 400 and its message names the first day that is kept.
        The first request about an organization with very many members can be 503 for some seconds while their sums are prepared.
      security: [{workspaceToken: []}]
      parameters:
        - {$ref: '#/components/parameters/Organization'}
        - {$ref: '#/components/parameters/StartSeconds'}
        - {$ref: '#/components/parameters/EndSeconds'}
        - {$ref: '#/components/parameters/Limit'}
      responses:
        '200':
          description: The ranking.
          headers:
            ETag: {$ref: '#/components/headers/ETag'}
            X-Odometer-As-Of: {$ref: '#/components/headers/AsOf'}
            X-Odometer-Range: {$ref: '#/components/headers/Range'}
            X-Odometer-Snapshot: {$ref: '#/components/headers/Snapshot'}
            X-Odometer-Parked: {$ref: '#/components/headers/Parked'}
          content:
            application/json:
              schema: {type: array, maxItems: 100, items: {$ref: '#/components/schemas/RankedProject'}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '503': {$ref: '#/components/responses/PlainUnavailable'}
  /api/v1/app/organization/analytics/timeseries:
    get:
      operationId: getWorkspaceSeries
      tags: [workspace]
      summary: One value a UTC day, zeros included, oldest first.
      security: [{workspaceToken: []}]
      parameters:
        - {$ref: '#/components/parameters/Organization'}
        - {$ref: '#/components/parameters/StartSeconds'}
        - {$ref: '#/components/parameters/EndSeconds'}
        - name: type
          in: query
          required: true
          description: What is counted.
          schema: {type: string, enum: [interactions, agent_flows, threads, projects, artifacts]}
      responses:
        '200':
          description: The series.
          headers:
            ETag: {$ref: '#/components/headers/ETag'}
            X-Odometer-As-Of: {$ref: '#/components/headers/AsOf'}
            X-Odometer-Range: {$ref: '#/components/headers/Range'}
            X-Odometer-Snapshot: {$ref: '#/components/headers/Snapshot'}
            X-Odometer-Parked: {$ref: '#/components/headers/Parked'}
          content:
            application/json:
              schema: {type: array, minItems: 1, maxItems: 366, items: {$ref: '#/components/schemas/DayValue'}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '503': {$ref: '#/components/responses/PlainUnavailable'}
  /api/connection-analytics/summary:
    get:
      operationId: getConnectionSummary
      tags: [connections]
      summary: Connections by service, protocol and data center.
      description: |
        The period is timeStart and timeEnd, or minutes back from now, not both; with neither it is everything. Only a start: up to now;
        only an end: from the beginning. The start is floored and the end raised to the minute for the last 26 hours, to the quarter-hour for
        92 days, to the UTC day for 400 days, before that to the month; X-Odometer-Range says what was answered.
      security: [{connectionKey: []}]
      parameters:
        - {name: serviceName, in: query, description: Only this service., schema: {type: string}}
        - {name: protocolName, in: query, description: Only this protocol., schema: {type: string}}
        - {name: dataCenter, in: query, description: Only this data center., schema: {type: string}}
        - {name: timeStart, in: query, description: Start of the period., schema: {type: string, format: date-time}}
        - {name: timeEnd, in: query, description: End of the period., schema: {type: string, format: date-time}}
        - {name: minutes, in: query, description: Minutes back from now., schema: {type: integer, format: int32, minimum: 1, maximum: 525600}}
      responses:
        '200':
          description: One row a group, ordered by service, protocol and data center.
          headers:
            ETag: {$ref: '#/components/headers/ETag'}
            X-Odometer-As-Of: {$ref: '#/components/headers/AsOf'}
            X-Odometer-Range: {$ref: '#/components/headers/Range'}
            X-Odometer-Snapshot: {$ref: '#/components/headers/Snapshot'}
            X-Odometer-Parked: {$ref: '#/components/headers/Parked'}
          content:
            application/json:
              schema: {type: array, items: {$ref: '#/components/schemas/ConnectionRow'}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '503': {$ref: '#/components/responses/PlainUnavailable'}
  /organizations/{organizationId}/metrics:
    get:
      operationId: getOrganizationMetrics
      tags: [privacy]
      summary: Sessions, consent and compliance requests of an organization.
      description: |
        Whole UTC days: the start is floored, the end raised to the next midnight. Default: the 30 days that end with today; at most 366.
        Single days of users are kept for 400 days, whole calendar months for ever. A range that reaches further back than the kept days
        must be made of whole months there; else the answer is 422 and its message names the first day that is kept.
        Checked in this order: 401, 422, 403, 404.
      security: [{privacyKey: []}]
      parameters:
        - {name: organizationId, in: path, required: true, description: The key's own organization., schema: {type: string, format: uuid}}
        - {name: startDate, in: query, description: Start of the range., schema: {type: string, format: date-time}}
        - {name: endDate, in: query, description: End of the range., schema: {type: string, format: date-time}}
        - name: project
          in: query
          description: Only these projects, summed; users are counted once over all of them.
          style: form
          explode: true
          schema: {type: array, maxItems: 20, items: {type: string}}
      responses:
        '200':
          description: The metrics.
          headers:
            ETag: {$ref: '#/components/headers/ETag'}
            X-Odometer-As-Of: {$ref: '#/components/headers/AsOf'}
            X-Odometer-Range: {$ref: '#/components/headers/Range'}
            X-Odometer-Snapshot: {$ref: '#/components/headers/Snapshot'}
            X-Odometer-Parked: {$ref: '#/components/headers/Parked'}
          content: {application/json: {schema: {$ref: '#/components/schemas/OrganizationMetrics'}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/CodedBadRequest'}
        '401': {$ref: '#/components/responses/CodedError'}
        '403': {$ref: '#/components/responses/CodedError'}
        '404': {$ref: '#/components/responses/CodedError'}
        '405': {$ref: '#/components/responses/CodedMethodNotAllowed'}
        '422': {$ref: '#/components/responses/CodedError'}
        '429': {$ref: '#/components/responses/CodedTooManyRequests'}
        '500': {$ref: '#/components/responses/CodedError'}
        '503': {$ref: '#/components/responses/CodedUnavailable'}
  /api/v1/analytics/tokens:
    get:
      operationId: getTokenTrend
      tags: [identity]
      summary: Tokens issued a UTC day, zeros included, oldest first.
      security: [{identityToken: []}]
      parameters:
        - {name: days, in: query, description: How many days up to today., schema: {type: integer, minimum: 1, maximum: 90, default: 30}}
      responses:
        '200':
          description: The trend.
          headers:
            ETag: {$ref: '#/components/headers/ETag'}
            X-Odometer-As-Of: {$ref: '#/components/headers/AsOf'}
            X-Odometer-Range: {$ref: '#/components/headers/Range'}
            X-Odometer-Snapshot: {$ref: '#/components/headers/Snapshot'}
            X-Odometer-Parked: {$ref: '#/components/headers/Parked'}
          content: {application/json: {schema: {$ref: '#/components/schemas/TokenTrend'}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/IdentityBadRequest'}
        '401': {$ref: '#/components/responses/IdentityError'}
        '403': {$ref: '#/components/responses/IdentityError'}
        '405': {$ref: '#/components/responses/IdentityMethodNotAllowed'}
        '429': {$ref: '#/components/responses/IdentityTooManyRequests'}
        '500': {$ref: '#/components/responses/IdentityFault'}
        '503': {$ref: '#/components/responses/IdentityUnavailable'}
  /api/v1/analytics/agents/activity:
    get:
      operationId: getAgentActivity
      tags: [identity]

"""#
}
