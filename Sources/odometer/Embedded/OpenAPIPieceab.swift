// Written by scripts/embed from schemas/; change the files there, not this one.
// swift-format-ignore-file

extension OpenAPIText {
    static let pieceab = #"""
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
      summary: Tokens issued an agent in the current UTC month, most first.
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
      summary: One meter of the key's organization, over a range or window by window.
      description: |
        Without dates and window it is everything, where the meter keeps an all-time cell; else the last 30 days. With a window and without
        dates: 30 days, of `quarter` 7 days, of `minute` 12 hours. Only a start: up to now, and a start in the future has its own window;
        only an end: as long before it. `window=all` and a meter without windows (a grid) have no dates. A meter that is kept per dimension
        wants the dimensions of one of its scopes as further parameters, for example `project=website`; an empty value reads the cells of
        events whose text was empty.
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
          description: One piece of data for each of these windows, at most 1,000.
          schema: {type: string, enum: [minute, quarter, day, month, all]}
        - {name: limit, in: query, description: At most so many rows., schema: {type: integer, minimum: 1, maximum: 10000, default: 1000}}
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
      summary: Whether the process lives.
      responses:
        '200': {$ref: '#/components/responses/State'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
  /readyz:
    get:
      operationId: getReadiness
      tags: [operations]
      summary: Whether it can do its work.
      description: >-
        Answering, with Redis reachable and a ledger there; consuming, with Redis reachable and the group joined. The answer is at most a
        second old. Here it does not say why not; the listener for machines does.
      responses:
        '200': {$ref: '#/components/responses/State'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '503': {$ref: '#/components/responses/NotReady'}
  /metrics:
    servers: [{url: 'http://127.0.0.1:8084', description: A listener of its own.}]
    get:
      operationId: getMetrics
      tags: [operations]
      summary: The process in numbers, for Prometheus.
      responses:
        '200':
          description: Prometheus text format.
          content: {text/plain: {schema: {type: string}}}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
components:
  securitySchemes:
    overviewKey: {type: apiKey, in: header, name: X-API-Key, description: 'An Admin key as `odometer keys create` shows it, for example `X-API-Key: dakkio_a_…`.'}
    workspaceToken: {type: http, scheme: bearer, description: 'A key of role admin or read, for example `Authorization: Bearer odo_r_…`; the organization''s slug goes into x-org.'}
    connectionKey: {type: apiKey, in: header, name: Authorization, description: 'A key of role admin or read, with or without Bearer before it, for example `Authorization: odo_r_…`.'}
    privacyKey: {type: apiKey, in: header, name: x-api-key, description: 'A key of the organization, of role admin or read, for example `x-api-key: odo_r_…`.'}
    identityToken: {type: http, scheme: bearer, bearerFormat: JWT, description: 'A JWT, or an access token (at+jwt), with the claims organization_id and exp; kid chooses among several keys.'}
    operationsKey: {type: http, scheme: bearer, description: 'A key of role admin or read that opens operations, for example `Authorization: Bearer odo_r_…`.'}
  parameters:
    Organization:
      name: x-org
      in: header
      required: true
      description: Slug of the token's organization, as its profile in the directory has it.
      example: aurora-labs
      schema: {type: string, minLength: 1}
    StartSeconds:
      name: start_date
      in: query
      description: |
        Start of the range, seconds since 1970; floored to its UTC day. Not after end_date, and at most 366 days before it. Alone: up to
        today; a later day alone stands for itself, with zeros.
      schema: {type: integer, format: int64, minimum: 0, maximum: 7289654399}
    EndSeconds:
      name: end_date
      in: query
      description: End of the range, seconds since 1970; raised to the next UTC midnight. Alone, it means the 30 days before it.
      schema: {type: integer, format: int64, minimum: 0, maximum: 7289654399}
    Limit: {name: limit, in: query, description: At most so many., schema: {type: integer, minimum: 1, maximum: 100, default: 10}}
  headers:
    ETag: {description: 'Strong; If-None-Match with it gives 304.', schema: {type: string}}
    AsOf: {description: 'Record time of the newest record in the answer, RFC 3339.', schema: {type: string}}
    Range: {description: 'START/END of what was really answered, RFC 3339.', schema: {type: string}}
    Snapshot: {description: '`no` where the answer was too long to be read at one moment.', schema: {type: string, enum: ['no']}}
    Parked: {description: 'Cells of the answer that refuse their changes. Numbers hold what is parked of them where that has 64 bits.', schema: {type: integer, minimum: 1}}
    Orphans:
      description: >-
        How far levels of the answer, which are shown as 0, are below zero, all together: removals of what was never added.
        An opening balance is missing. Absent where there is none.
      schema: {type: integer, minimum: 1}
    BearerChallenge:
      description: RFC 6750. `error="invalid_token"` stands behind the realm where a token or key was given.
      required: true
      schema: {type: string, enum: ['Bearer realm="odometer"', 'Bearer realm="odometer", error="invalid_token"']}
    KeyChallenge:
      description: The key goes into the header of its own that the route names.
      required: true
      schema: {type: string, const: ApiKey realm="odometer"}
    RetryAfter: {description: Seconds., schema: {type: integer, minimum: 1}}
  responses:
    NotModified:
      description: The entity tag of If-None-Match is still the right one.
    PlainBadRequest:
      description: A parameter, which the message names, a malformed request, or one that needs too many reads.
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    PlainUnauthorized:
      description: No credential, or none that is known, live and good for this API.
      headers: {WWW-Authenticate: {$ref: '#/components/headers/BearerChallenge'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    CodedUnauthorized:
      description: No key, or none that is known, live and good for this API.
      headers: {WWW-Authenticate: {$ref: '#/components/headers/KeyChallenge'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/CodedError'}}}
    IdentityUnauthorized:
      description: No token, or one that is not valid now.
      headers: {WWW-Authenticate: {$ref: '#/components/headers/BearerChallenge'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/IdentityError'}}}
    PlainNotImplemented:
      description: The catalog does not have the meters of this route; the message names them. Checked after credential, right and parameters.
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    CodedNotImplemented:
      description: The catalog does not have the meters of this route; the message names them. Checked after 401, 422 and 403.
      content: {application/json: {schema: {$ref: '#/components/schemas/CodedError'}}}
    IdentityNotImplemented:
      description: The catalog does not have the meters of this route; the message names them. Checked after credential, right and parameters.
      content: {application/json: {schema: {$ref: '#/components/schemas/IdentityError'}}}
    PlainForbidden:
      description: Another organization, or a role that may not read.
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    PlainNotFound:
      description: There is none of this name.
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    PlainUnavailable:
      description: Redis is away, there is no ledger yet, it took too long, or a large ranking is being prepared. Never zeros.
      headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}

"""#
}
