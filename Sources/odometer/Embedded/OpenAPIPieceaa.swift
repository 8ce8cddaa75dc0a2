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
    credential. Times are UTC. GET routes answer HEAD too. A query parameter that a route does not know is refused, and so is an empty
    value where it has no meaning: an answer would not show that a filter was ignored. An unknown path below an API's root is answered with 404 in that API's own
    form. What the bodies have no room for stands in headers: `X-Odometer-Range` says
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
            X-Odometer-Orphans: {$ref: '#/components/headers/Orphans'}
          content: {application/json: {schema: {$ref: '#/components/schemas/Overview'}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401':
          description: No key, or none that is known and live.
          headers: {WWW-Authenticate: {$ref: '#/components/headers/KeyChallenge'}}
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
        The period is timeStart and timeEnd, or minutes back from now, not both; with neither it is everything. Only a start: up to now;
        only an end: from the beginning. The start is floored and the end raised to the minute for the last 26 hours, to the quarter-hour for
        92 days, before that to the UTC day; X-Odometer-Range says what was answered.
        A period that has not begun has no rows.
      security: [{connectionKey: []}]
      parameters:
        - {name: serviceName, in: query, description: Only this service., schema: {type: string, minLength: 1}}
        - {name: protocolName, in: query, description: Only this protocol., schema: {type: string, minLength: 1}}
        - {name: dataCenter, in: query, description: Only this data center., schema: {type: string, minLength: 1}}
        - {name: timeStart, in: query, description: Start of the period; not after timeEnd. A time that is still to come gives no rows., schema: {type: string, format: date-time}}
        - {name: timeEnd, in: query, description: End of the period; not before timeStart. Not together with minutes., schema: {type: string, format: date-time}}
        - {name: minutes, in: query, description: Minutes back from now. Not together with timeStart or timeEnd., schema: {type: integer, format: int32, minimum: 1, maximum: 525600}}
      responses:
        '200':
          description: One row a group, ordered by service, protocol and data center.
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
        Whole UTC days: the start is floored, the end raised to the next midnight. Default: the 30 days that end with today; at most 366.
        A catalog that keeps single days of users for a limited time answers 422 for a range that reaches further back and is not made of
        whole months; the message names the first day that is kept. The shipped one keeps them for ever.
        Checked in this order: 401, 422, 403, 501, 404.
      security: [{privacyKey: []}]
      parameters:
        - name: organizationId
          in: path
          required: true
          description: The key's own organization.
          example: 497f6eca-6276-4993-bfeb-53cbbbba6f08
          schema: {type: string, format: uuid}
        - {name: startDate, in: query, description: 'Start of the range, not after endDate and at most 366 days before it. Alone: up to today; a later day alone stands for itself, with zeros.', schema: {type: string, format: date-time}}
        - {name: endDate, in: query, description: 'End of the range. Alone: the 30 days before it.', schema: {type: string, format: date-time}}
        - name: project
          in: query
          description: |
            Only these projects, summed; users are counted once over all of them. Repeated; the names `project[]` and `project[0]` are taken
            too. Each value has at most 256 bytes; the empty one is what was counted without a project.
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

"""#
}
