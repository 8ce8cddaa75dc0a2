// Written by scripts/embed from schemas/openapi.yaml; change it there, not here.
// swift-format-ignore-file

/// The description of the HTTP interface that is served.
enum OpenAPI {
    static let text = #"""
openapi: 3.1.0
info:
  title: Odometer
  version: 1.0.0
  summary: Usage events as exact answers.
  description: |
    Five analytics APIs and a generic one, each with its own way to authenticate. Every answer is about the organization of the
    credential. Times are UTC. Routes for GET answer HEAD too. A query parameter that a route does not know is refused, because an
    answer would not show that a filter was ignored; so is an empty value where it has no meaning. An unknown path below the root of
    an API is answered with 404 and a body in the form of that API. Response headers say what is not in the bodies:
    `X-Odometer-Range` is the range that was really answered, `X-Odometer-As-Of` is how far in the log the numbers reach.
servers:
  - url: http://127.0.0.1:8080
tags:
  - {name: overview, description: Organization overview.}
  - {name: workspace, description: Workspace analytics.}
  - {name: connections, description: Connection analytics.}
  - {name: privacy, description: Organization metrics.}
  - {name: identity, description: Identity provider analytics.}
  - {name: operations, description: 'All meters by name; the state of the process.'}
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
            X-Odometer-Orphans: {$ref: '#/components/headers/Orphans'}
          content: {application/json: {schema: {$ref: '#/components/schemas/Overview'}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401':
          description: No key, or one that is unknown, expired or revoked.
          headers: {WWW-Authenticate: {$ref: '#/components/headers/KeyChallenge'}}
          content:
            application/json:
              schema:
                type: object
                required: [error, message]
                additionalProperties: false
                properties: {error: {const: Unauthorized}, message: {const: Invalid or missing API key}}
        '403':
          description: A valid key with another role than admin.
          content:
            application/json:
              schema:
                type: object
                required: [error, message]
                additionalProperties: false
                properties: {error: {const: Forbidden}, message: {const: Only Admin keys can access organization analytics}}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '414': {$ref: '#/components/responses/LongTarget'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '431': {$ref: '#/components/responses/LargeHead'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '501': {$ref: '#/components/responses/PlainNotImplemented'}
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
            X-Odometer-Orphans: {$ref: '#/components/headers/Orphans'}
          content: {application/json: {schema: {$ref: '#/components/schemas/WorkspaceTotals'}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '414': {$ref: '#/components/responses/LongTarget'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '431': {$ref: '#/components/responses/LargeHead'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '501': {$ref: '#/components/responses/PlainNotImplemented'}
        '503': {$ref: '#/components/responses/PlainUnavailable'}
  /api/v1/app/organization/analytics/ranking/active-users:
    get:
      operationId: getActiveUsers
      tags: [workspace]
      summary: Users by interactions and agent flows, most active first.
      description: |
        Single days are kept for 400 days, whole calendar months for ever. Before the kept days, a range must consist of whole months;
        else the answer is 400, and its message names the first day that is kept. The first requests about an organization with very
        many users or projects may be answered with 503 for some seconds, while their sums are prepared.
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
            X-Odometer-Orphans: {$ref: '#/components/headers/Orphans'}
          content:
            application/json:
              schema: {type: array, maxItems: 100, items: {$ref: '#/components/schemas/RankedUser'}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '414': {$ref: '#/components/responses/LongTarget'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '431': {$ref: '#/components/responses/LargeHead'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '501': {$ref: '#/components/responses/PlainNotImplemented'}
        '503': {$ref: '#/components/responses/PlainUnavailable'}
  /api/v1/app/organization/analytics/ranking/active-projects:
    get:
      operationId: getActiveProjects
      tags: [workspace]
      summary: Projects by interactions and agent flows, most active first.
      description: |
        Single days are kept for 400 days, whole calendar months for ever. Before the kept days, a range must consist of whole months;
        else the answer is 400, and its message names the first day that is kept. The first requests about an organization with very
        many users or projects may be answered with 503 for some seconds, while their sums are prepared.
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
            X-Odometer-Orphans: {$ref: '#/components/headers/Orphans'}
          content:
            application/json:
              schema: {type: array, maxItems: 100, items: {$ref: '#/components/schemas/RankedProject'}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '414': {$ref: '#/components/responses/LongTarget'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '431': {$ref: '#/components/responses/LargeHead'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '501': {$ref: '#/components/responses/PlainNotImplemented'}
        '503': {$ref: '#/components/responses/PlainUnavailable'}
  /api/v1/app/organization/analytics/timeseries:
    get:
      operationId: getWorkspaceSeries
      tags: [workspace]
      summary: One value for each UTC day, zeros included, oldest first.
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
            X-Odometer-Orphans: {$ref: '#/components/headers/Orphans'}
          content:
            application/json:
              schema: {type: array, minItems: 1, maxItems: 366, items: {$ref: '#/components/schemas/DayValue'}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '414': {$ref: '#/components/responses/LongTarget'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '431': {$ref: '#/components/responses/LargeHead'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '501': {$ref: '#/components/responses/PlainNotImplemented'}
        '503': {$ref: '#/components/responses/PlainUnavailable'}
  /api/connection-analytics/summary:
    get:
      operationId: getConnectionSummary
      tags: [connections]
      summary: Connections by service, protocol and data center.
      description: |
        The period is given by timeStart and timeEnd, or by minutes back from now, but not by both. Without all of them, it is all of
        time. With timeStart only, it ends now; with timeEnd only, it starts at the beginning. The start is rounded down and the end
        rounded up: to the minute within the last 26 hours, to the quarter-hour within 92 days, before that to the UTC day.
        X-Odometer-Range is what was answered. A period in the future has no rows.
      security: [{connectionKey: []}]
      parameters:
        - {name: serviceName, in: query, description: Only this service., schema: {type: string, minLength: 1}}
        - {name: protocolName, in: query, description: Only this protocol., schema: {type: string, minLength: 1}}
        - {name: dataCenter, in: query, description: Only this data center., schema: {type: string, minLength: 1}}
        - {name: timeStart, in: query, description: Start of the period; not after timeEnd. A time in the future gives no rows., schema: {type: string, format: date-time}}
        - {name: timeEnd, in: query, description: End of the period; not before timeStart. Not together with minutes., schema: {type: string, format: date-time}}
        - {name: minutes, in: query, description: Minutes back from now. Not together with timeStart or timeEnd., schema: {type: integer, format: int32, minimum: 1, maximum: 525600}}
      responses:
        '200':
          description: One row for each group, ordered by service, protocol and data center.
          headers:
            ETag: {$ref: '#/components/headers/ETag'}
            X-Odometer-As-Of: {$ref: '#/components/headers/AsOf'}
            X-Odometer-Range: {$ref: '#/components/headers/Range'}
            X-Odometer-Snapshot: {$ref: '#/components/headers/Snapshot'}
            X-Odometer-Parked: {$ref: '#/components/headers/Parked'}
            X-Odometer-Orphans: {$ref: '#/components/headers/Orphans'}
          content:
            application/json:
              schema: {type: array, items: {$ref: '#/components/schemas/ConnectionRow'}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '414': {$ref: '#/components/responses/LongTarget'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '431': {$ref: '#/components/responses/LargeHead'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '501': {$ref: '#/components/responses/PlainNotImplemented'}
        '503': {$ref: '#/components/responses/PlainUnavailable'}
  /organizations/{organizationId}/metrics:
    get:
      operationId: getOrganizationMetrics
      tags: [privacy]
      summary: Sessions, consent and compliance requests of an organization.
      description: |
        The range has whole UTC days: the start is rounded down, the end is rounded up to the next midnight. The default is the 30 days
        that end with today; at most 366 days. The shipped catalog keeps single days for ever. With a catalog that keeps single days of
        users for a limited time, an older range must consist of whole months; else the answer is 422, and its message names the first
        day that is kept. Errors are checked in this order: 401, 422, 403, 501, 404.
      security: [{privacyKey: []}]
      parameters:
        - name: organizationId
          in: path
          required: true
          description: The key's own organization.
          example: 497f6eca-6276-4993-bfeb-53cbbbba6f08
          schema: {type: string, format: uuid}
        - {name: startDate, in: query, description: 'Start of the range, not after endDate and at most 366 days before it. Alone: up to today; a day in the future alone is the whole range, with zeros.', schema: {type: string, format: date-time}}
        - {name: endDate, in: query, description: 'End of the range. Alone: the 30 days before it.', schema: {type: string, format: date-time}}
        - name: project
          in: query
          description: |
            Only these projects, added up; a user of several of them is counted once. May be given several times, also with the names
            `project[]` and `project[0]`. A value has at most 256 bytes; the empty value means the events without a project.
          style: form
          explode: true
          schema: {type: array, maxItems: 20, items: {type: string, maxLength: 256}}
      responses:
        '200':
          description: The metrics.
          headers:
            ETag: {$ref: '#/components/headers/ETag'}
            X-Odometer-As-Of: {$ref: '#/components/headers/AsOf'}
            X-Odometer-Range: {$ref: '#/components/headers/Range'}
            X-Odometer-Snapshot: {$ref: '#/components/headers/Snapshot'}
            X-Odometer-Parked: {$ref: '#/components/headers/Parked'}
            X-Odometer-Orphans: {$ref: '#/components/headers/Orphans'}
          content: {application/json: {schema: {$ref: '#/components/schemas/OrganizationMetrics'}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/CodedBadRequest'}
        '401': {$ref: '#/components/responses/CodedUnauthorized'}
        '403': {$ref: '#/components/responses/CodedError'}
        '404': {$ref: '#/components/responses/CodedError'}
        '405': {$ref: '#/components/responses/CodedMethodNotAllowed'}
        '422': {$ref: '#/components/responses/CodedError'}
        '414': {$ref: '#/components/responses/LongTarget'}
        '429': {$ref: '#/components/responses/CodedTooManyRequests'}
        '431': {$ref: '#/components/responses/LargeHead'}
        '500': {$ref: '#/components/responses/CodedError'}
        '501': {$ref: '#/components/responses/CodedNotImplemented'}
        '503': {$ref: '#/components/responses/CodedUnavailable'}
  /api/v1/analytics/tokens:
    get:
      operationId: getTokenTrend
      tags: [identity]
      summary: Tokens issued on each UTC day, zeros included, oldest first.
      security: [{identityToken: []}]
      parameters:
        - {name: days, in: query, description: 'How many days, up to today.', schema: {type: integer, minimum: 1, maximum: 90, default: 30}}
      responses:
        '200':
          description: The trend.
          headers:
            ETag: {$ref: '#/components/headers/ETag'}
            X-Odometer-As-Of: {$ref: '#/components/headers/AsOf'}
            X-Odometer-Range: {$ref: '#/components/headers/Range'}
            X-Odometer-Snapshot: {$ref: '#/components/headers/Snapshot'}
            X-Odometer-Parked: {$ref: '#/components/headers/Parked'}
            X-Odometer-Orphans: {$ref: '#/components/headers/Orphans'}
          content: {application/json: {schema: {$ref: '#/components/schemas/TokenTrend'}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/IdentityBadRequest'}
        '401': {$ref: '#/components/responses/IdentityUnauthorized'}
        '403': {$ref: '#/components/responses/IdentityError'}
        '405': {$ref: '#/components/responses/IdentityMethodNotAllowed'}
        '414': {$ref: '#/components/responses/LongTarget'}
        '429': {$ref: '#/components/responses/IdentityTooManyRequests'}
        '431': {$ref: '#/components/responses/LargeHead'}
        '500': {$ref: '#/components/responses/IdentityFault'}
        '501': {$ref: '#/components/responses/IdentityNotImplemented'}
        '503': {$ref: '#/components/responses/IdentityUnavailable'}
  /api/v1/analytics/agents/activity:
    get:
      operationId: getAgentActivity
      tags: [identity]
      summary: Activity by weekday and hour, UTC.
      security: [{identityToken: []}]
      responses:
        '200':
          description: The cells that are not zero, ordered by weekday and hour.
          headers:
            ETag: {$ref: '#/components/headers/ETag'}
            X-Odometer-As-Of: {$ref: '#/components/headers/AsOf'}
            X-Odometer-Range: {$ref: '#/components/headers/Range'}
            X-Odometer-Snapshot: {$ref: '#/components/headers/Snapshot'}
            X-Odometer-Parked: {$ref: '#/components/headers/Parked'}
            X-Odometer-Orphans: {$ref: '#/components/headers/Orphans'}
          content: {application/json: {schema: {$ref: '#/components/schemas/AgentActivity'}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/IdentityBadRequest'}
        '401': {$ref: '#/components/responses/IdentityUnauthorized'}
        '403': {$ref: '#/components/responses/IdentityError'}
        '405': {$ref: '#/components/responses/IdentityMethodNotAllowed'}
        '414': {$ref: '#/components/responses/LongTarget'}
        '429': {$ref: '#/components/responses/IdentityTooManyRequests'}
        '431': {$ref: '#/components/responses/LargeHead'}
        '500': {$ref: '#/components/responses/IdentityFault'}
        '501': {$ref: '#/components/responses/IdentityNotImplemented'}
        '503': {$ref: '#/components/responses/IdentityUnavailable'}
  /api/v1/analytics/agents:
    get:
      operationId: getAgents
      tags: [identity]
      summary: Tokens issued for each agent in the current UTC month, most first.
      security: [{identityToken: []}]
      responses:
        '200':
          description: The agents.
          headers:
            ETag: {$ref: '#/components/headers/ETag'}
            X-Odometer-As-Of: {$ref: '#/components/headers/AsOf'}
            X-Odometer-Range: {$ref: '#/components/headers/Range'}
            X-Odometer-Snapshot: {$ref: '#/components/headers/Snapshot'}
            X-Odometer-Parked: {$ref: '#/components/headers/Parked'}
            X-Odometer-Orphans: {$ref: '#/components/headers/Orphans'}
          content: {application/json: {schema: {$ref: '#/components/schemas/AgentUsage'}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/IdentityBadRequest'}
        '401': {$ref: '#/components/responses/IdentityUnauthorized'}
        '403': {$ref: '#/components/responses/IdentityError'}
        '405': {$ref: '#/components/responses/IdentityMethodNotAllowed'}
        '414': {$ref: '#/components/responses/LongTarget'}
        '429': {$ref: '#/components/responses/IdentityTooManyRequests'}
        '431': {$ref: '#/components/responses/LargeHead'}
        '500': {$ref: '#/components/responses/IdentityFault'}
        '501': {$ref: '#/components/responses/IdentityNotImplemented'}
        '503': {$ref: '#/components/responses/IdentityUnavailable'}
  /v1/meters:
    get:
      operationId: listMeters
      tags: [operations]
      summary: The meters of the catalog.
      security: [{operationsKey: []}]
      responses:
        '200':
          description: The meters, in the order of the catalog.
          content: {application/json: {schema: {$ref: '#/components/schemas/MeterList'}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '414': {$ref: '#/components/responses/LongTarget'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '431': {$ref: '#/components/responses/LargeHead'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '503': {$ref: '#/components/responses/PlainUnavailable'}
  /v1/meters/{meter}:
    get:
      operationId: readMeter
      tags: [operations]
      summary: One meter of the key's organization, over a range or for each window.
      description: |
        Without dates and window, the answer is about all of time where the meter keeps it, else about the last 30 days. With a window
        and without dates, it is about 30 days; with `quarter` about 7 days, with `minute` about 12 hours. With a start only, the range
        ends now; a start in the future gives its own window. With an end only, the range is as long as without dates. `window=all` and
        meters without windows (grids) take no dates. A meter that is counted per dimension takes the dimensions of one of its scopes as
        further parameters, for example `project=website`; an empty value means events whose text was empty.
      security: [{operationsKey: []}]
      parameters:
        - name: meter
          in: path
          required: true
          description: Its name in the catalog.
          example: api_calls
          schema: {type: string, pattern: '^[a-z][a-z0-9_]*$'}
        - {name: start, in: query, description: Start of the range; not after end., schema: {type: string, format: date-time}}
        - {name: end, in: query, description: End of the range; not before start., schema: {type: string, format: date-time}}
        - name: window
          in: query
          description: One element of `data` for each of these windows, at most 1,000.
          schema: {type: string, enum: [minute, quarter, day, month, all]}
        - {name: limit, in: query, description: The most rows that are answered., schema: {type: integer, minimum: 1, maximum: 10000, default: 1000}}
        - name: numbers
          in: query
          description: >-
            With `text`, the meter's numbers are strings, for clients that read JSON numbers as doubles. A dimension of this name takes its place.
          schema: {type: string, enum: [text]}
        - name: dimensions
          in: query
          description: The dimensions of one of the meter's scopes, each by its own name.
          style: form
          explode: true
          schema: {type: object, additionalProperties: {type: string}}
      responses:
        '200':
          description: The meter's rows.
          headers:
            ETag: {$ref: '#/components/headers/ETag'}
            X-Odometer-As-Of: {$ref: '#/components/headers/AsOf'}
            X-Odometer-Range: {$ref: '#/components/headers/Range'}
            X-Odometer-Snapshot: {$ref: '#/components/headers/Snapshot'}
            X-Odometer-Parked: {$ref: '#/components/headers/Parked'}
            X-Odometer-Orphans: {$ref: '#/components/headers/Orphans'}
          content: {application/json: {schema: {$ref: '#/components/schemas/MeterAnswer'}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '404': {$ref: '#/components/responses/PlainNotFound'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '414': {$ref: '#/components/responses/LongTarget'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '431': {$ref: '#/components/responses/LargeHead'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '503': {$ref: '#/components/responses/PlainUnavailable'}
  /v1/meters/{meter}/query:
    parameters: [{$ref: '#/components/parameters/Meter'}]
    get:
      operationId: queryMeter
      tags: [operations]
      summary: 'A question about one meter: any range, zone, dimensions and filters.'
      description: The parts of a question, units, ranges and what it means for each kind of meter are in docs/QUERY.md.
      security: [{operationsKey: []}]
      parameters:
        - {name: from, in: query, description: 'Start: a time, or a date of the zone. Left out, as much as docs/QUERY.md says, or all of time.', schema: {$ref: '#/components/schemas/QuestionTime'}}
        - {name: to, in: query, description: 'End, after from; left out, now.', schema: {$ref: '#/components/schemas/QuestionTime'}}
        - {name: window, in: query, schema: {$ref: '#/components/schemas/QuestionWindow'}}
        - {name: zone, in: query, description: A name of the tz database., schema: {$ref: '#/components/schemas/QuestionZone'}}
        - name: by
          in: query
          description: Dimensions of the rows; repeated, or joined by commas.
          style: form
          explode: true
          schema: {type: array, maxItems: 8, items: {type: string}}
        - name: filter
          in: query
          description: '`DIMENSION=VALUE` or `DIMENSION!=VALUE`, repeated; several values of one dimension are alternatives.'
          style: form
          explode: true
          schema: {type: array, items: {type: string, pattern: '^[^=]+='}}
        - {name: order, in: query, schema: {$ref: '#/components/schemas/QuestionOrder'}}
        - {name: limit, in: query, description: Rows of a page., schema: {type: integer, minimum: 1, maximum: 10000, default: 1000}}
        - {name: offset, in: query, description: Rows before the page; not together with cursor., schema: {type: integer, minimum: 0, maximum: 1000000000, default: 0}}
        - {name: cursor, in: query, description: '`meta.next` of the page before; the rest of the question is repeated unchanged.', schema: {type: string, minLength: 1}}
        - {name: compare, in: query, schema: {$ref: '#/components/schemas/QuestionCompare'}}
        - {name: fill, in: query, schema: {$ref: '#/components/schemas/QuestionFill'}}
        - {name: numbers, in: query, description: 'With `text`, the meter''s numbers are strings.', schema: {type: string, enum: [text]}}
        - {name: format, in: query, description: 'Left out, the first media type of Accept decides.', schema: {type: string, enum: [json, csv]}}
      responses:
        '200':
          description: The rows of one page.
          headers:
            ETag: {$ref: '#/components/headers/ETag'}
            X-Odometer-As-Of: {$ref: '#/components/headers/AsOf'}
            X-Odometer-Range: {$ref: '#/components/headers/Range'}
            X-Odometer-Snapshot: {$ref: '#/components/headers/Snapshot'}
            X-Odometer-Parked: {$ref: '#/components/headers/Parked'}
            X-Odometer-Orphans: {$ref: '#/components/headers/Orphans'}
            X-Odometer-Rows: {description: 'With CSV: rows of all pages.', schema: {type: integer}}
            X-Odometer-Next: {description: 'With CSV: the cursor of the next page.', schema: {type: string}}
          content:
            application/json: {schema: {$ref: '#/components/schemas/QuestionAnswer'}}
            text/csv: {schema: {type: string}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '404': {$ref: '#/components/responses/PlainNotFound'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '413': {$ref: '#/components/responses/LargeBody'}
        '414': {$ref: '#/components/responses/LongTarget'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '431': {$ref: '#/components/responses/LargeHead'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '503': {$ref: '#/components/responses/PlainUnavailable'}
    post:
      operationId: queryMeterByBody
      tags: [operations]
      summary: The same question as a JSON object; its filters can hold any text.
      security: [{operationsKey: []}]
      parameters:
        - {name: format, in: query, schema: {type: string, enum: [json, csv]}}
      requestBody:
        content: {application/json: {schema: {$ref: '#/components/schemas/Question'}}}
      responses:
        '200':
          description: The rows of one page.
          headers:
            X-Odometer-As-Of: {$ref: '#/components/headers/AsOf'}
            X-Odometer-Range: {$ref: '#/components/headers/Range'}
            X-Odometer-Snapshot: {$ref: '#/components/headers/Snapshot'}
            X-Odometer-Parked: {$ref: '#/components/headers/Parked'}
            X-Odometer-Orphans: {$ref: '#/components/headers/Orphans'}
            X-Odometer-Rows: {description: 'With CSV: rows of all pages.', schema: {type: integer}}
            X-Odometer-Next: {description: 'With CSV: the cursor of the next page.', schema: {type: string}}
          content:
            application/json: {schema: {$ref: '#/components/schemas/QuestionAnswer'}}
            text/csv: {schema: {type: string}}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '404': {$ref: '#/components/responses/PlainNotFound'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '413': {$ref: '#/components/responses/LargeBody'}
        '414': {$ref: '#/components/responses/LongTarget'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '431': {$ref: '#/components/responses/LargeHead'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '503': {$ref: '#/components/responses/PlainUnavailable'}
  /v1/query:
    post:
      operationId: queryMeters
      tags: [operations]
      summary: Up to 20 questions about one range and zone, read at one moment, in at most two round trips to Redis.
      security: [{operationsKey: []}]
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: '#/components/schemas/Questions'}}}
      responses:
        '200':
          description: One answer for each question, in their order.
          headers:
            X-Odometer-As-Of: {$ref: '#/components/headers/AsOf'}
            X-Odometer-Snapshot: {$ref: '#/components/headers/Snapshot'}
            X-Odometer-Parked: {$ref: '#/components/headers/Parked'}
            X-Odometer-Orphans: {$ref: '#/components/headers/Orphans'}
          content: {application/json: {schema: {$ref: '#/components/schemas/QuestionAnswers'}}}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '404': {$ref: '#/components/responses/PlainNotFound'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '413': {$ref: '#/components/responses/LargeBody'}
        '414': {$ref: '#/components/responses/LongTarget'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '431': {$ref: '#/components/responses/LargeHead'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '503': {$ref: '#/components/responses/PlainUnavailable'}
  /v1/events:
    post:
      operationId: sendEvents
      tags: [operations]
      summary: Sends events to Kafka; each is told what counting would say of it.
      description: |
        Only where the process was started with `--ingest-topic`; else 404. A body is one CloudEvent, an array of them, or one in each
        line, at most 8 MiB and 10,000 events, before and after unpacking. The subject of an event must be the organization of the key.
        It is answered when all replicas have acknowledged the events. Send again what was not accepted or whose outcome is unknown,
        with the same `id` and `source`: it counts once.
      security: [{operationsKey: []}]
      parameters:
        - {name: Content-Encoding, in: header, description: How the body is packed., schema: {enum: [gzip, identity]}}
      requestBody:
        required: true
        content:
          application/cloudevents+json: {schema: {$ref: '#/components/schemas/SentEvent'}}
          application/cloudevents-batch+json: {schema: {type: array, items: {$ref: '#/components/schemas/SentEvent'}}}
          application/json:
            schema:
              anyOf: [{$ref: '#/components/schemas/SentEvent'}, {type: array, items: {$ref: '#/components/schemas/SentEvent'}}]
          application/x-ndjson: {schema: {type: string}}
      responses:
        '200':
          description: The outcome of each event is known, and one at least was accepted or there was none.
          content: {application/json: {schema: {$ref: '#/components/schemas/EventResults'}}}
        '400':
          description: The body cannot be read, or every event was rejected.
          content:
            application/json:
              schema: {anyOf: [{$ref: '#/components/schemas/EventResults'}, {$ref: '#/components/schemas/PlainError'}]}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '404': {$ref: '#/components/responses/PlainNotFound'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '413': {$ref: '#/components/responses/LargeBody'}
        '414': {$ref: '#/components/responses/LongTarget'}
        '415':
          description: A media type or coding that is not read.
          content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '431': {$ref: '#/components/responses/LargeHead'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '503':
          description: Kafka has not acknowledged some events in time, or no events are taken now.
          headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}
          content:
            application/json:
              schema: {anyOf: [{$ref: '#/components/schemas/EventResults'}, {$ref: '#/components/schemas/PlainError'}]}
  /openapi.yaml:
    get:
      operationId: getDescription
      tags: [operations]
      summary: This document.
      responses:
        '200':
          description: OpenAPI 3.1.
          content: {application/yaml: {schema: {type: object}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
  /healthz:
    get:
      operationId: getHealth
      tags: [operations]
      summary: Whether the process is alive.
      responses:
        '200': {$ref: '#/components/responses/State'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
  /readyz:
    get:
      operationId: getReadiness
      tags: [operations]
      summary: Whether the process can do its work.
      description: >-
        To answer, it needs Redis with a ledger; to count, it needs Redis and must have joined the group. The answer is at most a
        second old. It does not say why the process is not ready; the listener of `/metrics` does.
      responses:
        '200': {$ref: '#/components/responses/State'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '503': {$ref: '#/components/responses/NotReady'}
  /metrics:
    servers: [{url: 'http://127.0.0.1:8084', description: A separate listener.}]
    get:
      operationId: getMetrics
      tags: [operations]
      summary: Metrics of the process, for Prometheus.
      responses:
        '200':
          description: Prometheus text format.
          content: {text/plain: {schema: {type: string}}}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
components:
  securitySchemes:
    overviewKey: {type: apiKey, in: header, name: X-API-Key, description: 'An Admin key as `odometer keys create` shows it, for example `X-API-Key: dakkio_a_…`.'}
    workspaceToken: {type: http, scheme: bearer, description: 'A key of role admin or read, for example `Authorization: Bearer odo_r_…`; x-org must have the organization''s slug.'}
    connectionKey: {type: apiKey, in: header, name: Authorization, description: 'A key of role admin or read, with or without Bearer before it, for example `Authorization: odo_r_…`.'}
    privacyKey: {type: apiKey, in: header, name: x-api-key, description: 'A key of the organization, of role admin or read, for example `x-api-key: odo_r_…`.'}
    identityToken: {type: http, scheme: bearer, bearerFormat: JWT, description: 'A JWT, or an access token (at+jwt), with the claims organization_id and exp; its kid chooses one of several keys.'}
    operationsKey: {type: http, scheme: bearer, description: 'A key of role admin or read that opens operations, for example `Authorization: Bearer odo_r_…`.'}
  parameters:
    Meter:
      name: meter
      in: path
      required: true
      description: Its name in the catalog.
      example: api_calls
      schema: {type: string, pattern: '^[a-z][a-z0-9_]*$'}
    Organization:
      name: x-org
      in: header
      required: true
      description: Slug of the key's organization, as in its profile in the directory.
      example: aurora-labs
      schema: {type: string, minLength: 1}
    StartSeconds:
      name: start_date
      in: query
      description: |
        Start of the range, in seconds since 1970; rounded down to its UTC day. Not after end_date, and at most 366 days before it.
        Alone: up to today; a day in the future alone is the whole range, with zeros.
      schema: {type: integer, format: int64, minimum: 0, maximum: 7289654399}
    EndSeconds:
      name: end_date
      in: query
      description: 'End of the range, in seconds since 1970; rounded up to the next UTC midnight. Alone: the 30 days before it.'
      schema: {type: integer, format: int64, minimum: 0, maximum: 7289654399}
    Limit: {name: limit, in: query, description: The most rows that are answered., schema: {type: integer, minimum: 1, maximum: 100, default: 10}}
  headers:
    ETag: {description: 'A strong entity tag; a request with it in If-None-Match is answered with 304 while the answer is the same.', schema: {type: string}}
    AsOf: {description: 'Record time of the newest counted record, RFC 3339.', schema: {type: string}}
    Range: {description: 'START/END of the range that was really answered, RFC 3339.', schema: {type: string}}
    Snapshot: {description: '`no` where the answer was too large to be read at one moment.', schema: {type: string, enum: ['no']}}
    Parked: {description: 'How many cells of the answer have refused changes, which are parked. The numbers include what is parked, up to 64 bits.', schema: {type: integer, minimum: 1}}
    Orphans:
      description: >-
        How far levels that the answer shows as 0 are below zero, added up: removals of what was never added, because an opening balance
        is missing. Absent where there are none.
      schema: {type: integer, minimum: 1}
    BearerChallenge:
      description: RFC 6750. `error="invalid_token"` follows the realm where the request had a token or key.
      required: true
      schema: {type: string, enum: ['Bearer realm="odometer"', 'Bearer realm="odometer", error="invalid_token"']}
    KeyChallenge:
      description: The key belongs in the header that the route's security scheme names.
      required: true
      schema: {type: string, const: ApiKey realm="odometer"}
    RetryAfter: {description: Seconds to wait., schema: {type: integer, minimum: 1}}
  responses:
    NotModified:
      description: The answer still has the entity tag in If-None-Match.
    PlainBadRequest:
      description: A bad parameter, which the message names; a malformed request; or a request that needs too many reads.
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    PlainUnauthorized:
      description: No credential, or one that is unknown, expired, revoked or not for this API.
      headers: {WWW-Authenticate: {$ref: '#/components/headers/BearerChallenge'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    CodedUnauthorized:
      description: No key, or one that is unknown, expired, revoked or not for this API.
      headers: {WWW-Authenticate: {$ref: '#/components/headers/KeyChallenge'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/CodedError'}}}
    IdentityUnauthorized:
      description: No token, or one that is not valid now.
      headers: {WWW-Authenticate: {$ref: '#/components/headers/BearerChallenge'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/IdentityError'}}}
    PlainNotImplemented:
      description: The catalog lacks meters of this route; the message names them. Checked after credential, role and parameters.
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    CodedNotImplemented:
      description: The catalog lacks meters of this route; the message names them. Checked after 401, 422 and 403.
      content: {application/json: {schema: {$ref: '#/components/schemas/CodedError'}}}
    IdentityNotImplemented:
      description: The catalog lacks meters of this route; the message names them. Checked after credential, role and parameters.
      content: {application/json: {schema: {$ref: '#/components/schemas/IdentityError'}}}
    PlainForbidden:
      description: Another organization, or a role that may not read.
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    PlainNotFound:
      description: There is nothing of this name.
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    LargeBody:
      description: The body is too large.
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    PlainUnavailable:
      description: Redis is away, there is no ledger yet, it took too long, or a large ranking is being prepared. Never zeros.
      headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    PlainFault:
      description: An error of the server.
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    CodedError:
      description: The error of the status code. The message names a bad parameter.
      content: {application/json: {schema: {$ref: '#/components/schemas/CodedError'}}}
    IdentityError:
      description: The error of the code. The message names a bad parameter.
      content: {application/json: {schema: {$ref: '#/components/schemas/IdentityError'}}}
    IdentityFault:
      description: An error of the server.
      content: {application/json: {schema: {$ref: '#/components/schemas/IdentityError'}}}
    CodedBadRequest:
      description: A bad parameter, which the message names; or a malformed request, with a body of PlainError.
      content:
        application/json:
          schema: {anyOf: [{$ref: '#/components/schemas/CodedError'}, {$ref: '#/components/schemas/PlainError'}]}
    CodedUnavailable:
      description: Redis is away, there is no ledger yet, or it took too long. Never zeros.
      headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/CodedError'}}}
    IdentityBadRequest:
      description: A bad parameter, which the message names; or a malformed request, with a body of PlainError.
      content:
        application/json:
          schema: {anyOf: [{$ref: '#/components/schemas/IdentityError'}, {$ref: '#/components/schemas/PlainError'}]}
    IdentityUnavailable:
      description: Redis is away, there is no ledger yet, or it took too long. Never zeros.
      headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/IdentityError'}}}
    PlainMethodNotAllowed:
      description: The method is not one of those in Allow.
      headers: {Allow: {required: true, schema: {type: string}}}
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    LongTarget:
      description: >-
        Path and query are longer than 20 KB; each parameter counts 64 bytes more. The connection is closed. Beyond 32 KB, the body is
        not in the form of an API.
    LargeHead: {description: The head of the request is larger than 32 KB. The connection is closed.}
    PlainTooManyRequests:
      description: Too many requests or reads with one key, too many requests of one address without a valid key, or too many of one organization at the same time.
      headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    CodedMethodNotAllowed:
      description: The method is not one of those in Allow.
      headers: {Allow: {required: true, schema: {type: string}}}
      content: {application/json: {schema: {$ref: '#/components/schemas/CodedError'}}}
    CodedTooManyRequests:
      description: Too many requests or reads with one key, too many requests of one address without a valid key, or too many of one organization at the same time.
      headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/CodedError'}}}
    IdentityMethodNotAllowed:
      description: The method is not one of those in Allow.
      headers: {Allow: {required: true, schema: {type: string}}}
      content: {application/json: {schema: {$ref: '#/components/schemas/IdentityError'}}}
    IdentityTooManyRequests:
      description: Too many requests or reads with one key, too many requests of one address without a valid key, or too many of one organization at the same time.
      headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/IdentityError'}}}
    State:
      description: Yes.
      content: {application/json: {schema: {$ref: '#/components/schemas/State'}}}
    NotReady:
      description: Not now. Only the listener of `/metrics` says why.
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
    SentEvent:
      type: object
      description: A CloudEvent 1.0. What its `data` must hold says the catalog.
      required: [specversion, id, source, type, subject]
      properties:
        specversion: {const: '1.0'}
        id: {type: string, minLength: 1, maxLength: 256}
        source: {type: string, minLength: 1, maxLength: 256}
        type: {type: string, minLength: 1}
        subject: {type: string, minLength: 1, maxLength: 256, description: The organization of the key.}
        time: {type: [string, 'null'], format: date-time, description: 'Without one: the time at which it comes.'}
        data: {type: [object, 'null']}
    EventResults:
      type: object
      required: [accepted, rejected, results]
      additionalProperties: false
      properties:
        accepted: {$ref: '#/components/schemas/Count'}
        rejected: {$ref: '#/components/schemas/Count'}
        unknown: {type: integer, minimum: 1, description: 'Events of which nobody knows whether they are in the log: send them again.'}
        results:
          type: array
          description: One for each event, in order.
          items:
            type: object
            required: [outcome]
            additionalProperties: false
            properties:
              id: {type: string}
              outcome: {enum: [accepted, rejected, unknown]}
              ignored: {const: true, description: It was accepted, but no meter takes its type.}
              reason: {enum: [malformed, bad_field, late, future, organization, log]}
              detail: {type: string, description: What is wrong and where.}
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
                apiCallsLimit: {description: 0 where there is no plan., type: integer, minimum: 0}
                apiCallsPercentage: {description: With one decimal., type: number, minimum: 0}
                storageUsedBytes: {$ref: '#/components/schemas/Count'}
                storageUsedFormatted: {type: string, pattern: '^[0-9]+([.][0-9]{0,1}[1-9])? ([KMGTPE]?B)$'}
            plan:
              description: All members are null where there is no plan.
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
          description: Where the directory lacks the user, all but id and org_id are null.
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
          description: Where the directory lacks the project, all but the id are null.
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
            Connections that were open at some time in the period. One that was closed and never opened was open before the counting began.
          type: integer
          minimum: 0
        newConnectionsInPeriod: {description: Opened in the period., type: integer, minimum: 0}
        uniqueApiKeys: {description: 'Distinct keys of connections opened, active or closed in the period; standard error 0.81 %.', type: integer, minimum: 0}
        averageConnectionDurationSeconds: {description: Of connections closed in the period; 0 without any., type: integer, minimum: 0}
        totalConnectionTimeSeconds: {description: Of connections closed in the period., type: integer, minimum: 0}
        firstConnection: {$ref: '#/components/schemas/Tick'}
        lastConnection: {$ref: '#/components/schemas/Tick'}
        lastActivity: {$ref: '#/components/schemas/Tick'}
    Trend:
      description: This range compared with the same number of days just before it.
      type: object
      required: [current, previous, change, changePercentage]
      additionalProperties: false
      properties:
        current: {$ref: '#/components/schemas/Count'}
        previous: {$ref: '#/components/schemas/Count'}
        change: {type: integer}
        changePercentage: {description: With one decimal; null where previous is 0., type: [number, 'null']}
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
      description: Ordered by count, greatest first, then by name.
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
              description: Ordered by count, greatest first, then by name.
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
              description: Ordered by count, greatest first, then by name.
              type: array
              items:
                type: object
                required: [os, count]
                additionalProperties: false
                properties: {os: {type: string}, count: {$ref: '#/components/schemas/Count'}}
            partialConsent: {$ref: '#/components/schemas/Count'}
            totalCategories: {$ref: '#/components/schemas/Count'}
            totalEvents: {$ref: '#/components/schemas/Count'}
            totalUsers: {description: 'Distinct users; standard error 0.81 %. Consents without a user are not counted.', type: integer, minimum: 0}
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
              description: 'Of the requests resolved in the range, in days with two decimals; 0 without any. The median is within 1 %.'
              type: object
              required: [avgResolutionDays, medianResolutionDays, minResolutionDays, maxResolutionDays]
              additionalProperties: false
              properties:
                avgResolutionDays: {type: number, minimum: 0}
                medianResolutionDays: {type: number, minimum: 0}
                minResolutionDays: {type: number, minimum: 0}
                maxResolutionDays: {type: number, minimum: 0}
            statusStats: {description: The current statuses of the requests created in the range., $ref: '#/components/schemas/Counts'}
            statusByType: {type: object, additionalProperties: {$ref: '#/components/schemas/Counts'}}
            totalRequests: {description: All requests ever created., type: integer, minimum: 0}
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
        dow: {description: '0: Sunday.', type: integer, minimum: 0, maximum: 6}
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
        keep: {description: For extremes only., type: string, enum: [min, max, first, last]}
        windows: {type: array, items: {type: string, enum: [minute, quarter, day, month, all]}}
        by: {type: array, items: {type: string}}
        per: {description: 'Its scopes, each a list of dimensions; an empty list is the whole organization.', type: array, items: {type: array, items: {type: string}}}
        scale: {description: How many decimals its numbers have; left out for whole numbers., type: integer, minimum: 1, maximum: 12}
    MeterAnswer:
      type: object
      required: [meter, kind, per, data]
      additionalProperties: false
      properties:
        meter: {type: string}
        kind: {$ref: '#/components/schemas/Kind'}
        per: {type: object, additionalProperties: {type: string}}
        data: {description: 'One element for the range, or one for each window.', type: array, items: {$ref: '#/components/schemas/MeterPiece'}}
    Instant: {type: [string, 'null'], pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$'}
    MeterPiece:
      description: A value; or rows, one for each tuple of the meter's `by`; or the steps of a histogram; or the cells of a grid.
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
            description: The values of the dimensions in `by`, and the number.
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
            properties:
              low: {$ref: '#/components/schemas/MeterNumber'}
              high: {$ref: '#/components/schemas/MeterNumber'}
              count: {$ref: '#/components/schemas/MeterNumber'}
        cells:
          type: array
          items:
            description: By weekday (0 = Sunday) and hour, UTC.
            type: object
            required: [dow, hour, count]
            additionalProperties: false
            properties:
              dow: {type: integer, minimum: 0, maximum: 6}
              hour: {type: integer, minimum: 0, maximum: 23}
              count: {$ref: '#/components/schemas/MeterNumber'}
      oneOf: [{required: [value]}, {required: [rows]}, {required: [steps]}, {required: [cells]}]
    MeterNumber: {description: 'A number of the meter, with all its decimals; with `numbers=text` a string.', type: [number, string]}
    MeterValue: {description: 'A number as in MeterNumber; extremes may be texts; times are RFC 3339 with seven decimals.', type: [number, string, 'null']}
    QuestionTime:
      description: An RFC 3339 time with a zone, or a date, which is its first moment in the question's zone.
      type: string
      minLength: 1
      anyOf: [{format: date-time}, {format: date}]
    QuestionWindow: {type: string, enum: [minute, quarter, hour, day, week, month, none], default: none}
    QuestionZone: {type: string, minLength: 1, default: UTC, example: Europe/Berlin}
    QuestionOrder: {description: 'Equal rows are in the order of their members, then of time.', type: string, enum: [time, -time, value, -value, name]}
    QuestionCompare: {description: What each bucket is compared with., type: string, enum: [previous, year]}
    QuestionFill: {description: What a row shows where nothing was counted., type: string, enum: [zero, 'null'], default: zero}
    QuestionFilter:
      description: A value; values that are alternatives; or operators that must all hold.
      anyOf:
        - {type: string}
        - {type: array, maxItems: 1000, items: {type: string}}
        - type: object
          minProperties: 1
          additionalProperties: false
          required: []
          properties:
            eq: {type: string}
            in: {type: array, maxItems: 1000, items: {type: string}}
            notIn: {type: array, maxItems: 1000, items: {type: string}}
    Question:
      type: object
      additionalProperties: false
      required: []
      properties:
        from: {$ref: '#/components/schemas/QuestionTime'}
        to: {$ref: '#/components/schemas/QuestionTime'}
        zone: {$ref: '#/components/schemas/QuestionZone'}
        numbers: {type: string, enum: [text]}
        window: {$ref: '#/components/schemas/QuestionWindow'}
        by: {type: array, maxItems: 8, items: {type: string}}
        filter: {type: object, maxProperties: 20, additionalProperties: {$ref: '#/components/schemas/QuestionFilter'}}
        order: {$ref: '#/components/schemas/QuestionOrder'}
        limit: {type: integer, minimum: 1, maximum: 10000, default: 1000}
        offset: {type: integer, minimum: 0, maximum: 1000000000, default: 0}
        cursor: {type: string, minLength: 1}
        compare: {$ref: '#/components/schemas/QuestionCompare'}
        fill: {$ref: '#/components/schemas/QuestionFill'}
    Questions:
      type: object
      additionalProperties: false
      required: [queries]
      properties:
        from: {$ref: '#/components/schemas/QuestionTime'}
        to: {$ref: '#/components/schemas/QuestionTime'}
        zone: {$ref: '#/components/schemas/QuestionZone'}
        numbers: {type: string, enum: [text]}
        queries:
          type: array
          minItems: 1
          maxItems: 20
          items:
            type: object
            additionalProperties: false
            required: [meter]
            properties:
              meter: {type: string, example: api_calls}
              window: {$ref: '#/components/schemas/QuestionWindow'}
              by: {type: array, maxItems: 8, items: {type: string}}
              filter: {type: object, maxProperties: 20, additionalProperties: {$ref: '#/components/schemas/QuestionFilter'}}
              order: {$ref: '#/components/schemas/QuestionOrder'}
              limit: {type: integer, minimum: 1, maximum: 10000, default: 1000}
              offset: {type: integer, minimum: 0, maximum: 1000000000, default: 0}
              cursor: {type: string, minLength: 1}
              compare: {$ref: '#/components/schemas/QuestionCompare'}
              fill: {$ref: '#/components/schemas/QuestionFill'}
    LocalTime: {description: In the question's zone., type: [string, 'null'], pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})$'}
    QuestionSteps:
      description: How many values there are of each size, from low to below high.
      type: array
      items:
        type: object
        required: [low, high, count]
        additionalProperties: false
        properties:
          low: {$ref: '#/components/schemas/MeterNumber'}
          high: {$ref: '#/components/schemas/MeterNumber'}
          count: {$ref: '#/components/schemas/MeterNumber'}
    QuestionRow:
      type: object
      required: [start, end, label, by, value]
      additionalProperties: false
      properties:
        start: {$ref: '#/components/schemas/LocalTime'}
        end: {$ref: '#/components/schemas/LocalTime'}
        label: {description: 'Such as 2026-03-09T14:15, 2026-03-09, 2026-W11 or 2026-03; null without a window.', type: [string, 'null']}
        partial: {description: The range cuts this bucket., const: true}
        exact: {description: Clocks change inside a cell of this bucket., const: false}
        by: {description: The values of the dimensions asked for., type: object, additionalProperties: {type: string}}
        value: {$ref: '#/components/schemas/MeterValue'}
        steps: {$ref: '#/components/schemas/QuestionSteps'}
        compare:
          type: object
          required: [start, end, value]
          additionalProperties: false
          properties:
            start: {$ref: '#/components/schemas/LocalTime'}
            end: {$ref: '#/components/schemas/LocalTime'}
            value: {$ref: '#/components/schemas/MeterValue'}
    QuestionMeta:
      type: object
      required: [zone, from, to, clipped, asOf, lagMs, exact, error, others, rows, offset, next]
      additionalProperties: false
      properties:
        zone: {type: string}
        from: {$ref: '#/components/schemas/LocalTime'}
        to: {$ref: '#/components/schemas/LocalTime'}
        clipped:
          description: Edges that were moved because they are inside a cell.
          type: array
          maxItems: 2
          items:
            type: object
            required: [edge, asked, answered]
            additionalProperties: false
            properties:
              edge: {type: string, enum: [from, to]}
              asked: {$ref: '#/components/schemas/LocalTime'}
              answered: {$ref: '#/components/schemas/LocalTime'}
        asOf: {description: Time of the newest record that is counted., type: [string, 'null']}
        lagMs: {description: How old that is., type: [integer, 'null'], minimum: 0}
        exact: {description: Whether every number is exact., type: boolean}
        error: {description: Standard error of numbers that are estimates., type: [number, 'null']}
        others: {description: 'Whether values beyond a limit are counted together, as `__other__`.', type: boolean}
        rows: {description: Rows of all pages., type: integer}
        offset: {type: integer}
        next: {description: The cursor of the next page., type: [string, 'null']}
    QuestionAnswer:
      type: object
      required: [meter, kind, window, by, data, meta]
      additionalProperties: false
      properties:
        meter: {type: string}
        kind: {$ref: '#/components/schemas/Kind'}
        window: {$ref: '#/components/schemas/QuestionWindow'}
        by: {type: array, items: {type: string}}
        data: {type: array, items: {$ref: '#/components/schemas/QuestionRow'}}
        meta: {$ref: '#/components/schemas/QuestionMeta'}
    QuestionAnswers:
      type: object
      required: [answers]
      additionalProperties: false
      properties: {answers: {type: array, items: {$ref: '#/components/schemas/QuestionAnswer'}}}

"""#
}
