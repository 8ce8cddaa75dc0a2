// Written by scripts/embed from schemas/; change the files there, not this one.
// swift-format-ignore-file

extension OpenAPIText {
    static let pieceab = #"""
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
          content: {application/json: {schema: {$ref: '#/components/schemas/AgentActivity'}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/IdentityBadRequest'}
        '401': {$ref: '#/components/responses/IdentityError'}
        '403': {$ref: '#/components/responses/IdentityError'}
        '405': {$ref: '#/components/responses/IdentityMethodNotAllowed'}
        '429': {$ref: '#/components/responses/IdentityTooManyRequests'}
        '500': {$ref: '#/components/responses/IdentityFault'}
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
          content: {application/json: {schema: {$ref: '#/components/schemas/AgentUsage'}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/IdentityBadRequest'}
        '401': {$ref: '#/components/responses/IdentityError'}
        '403': {$ref: '#/components/responses/IdentityError'}
        '405': {$ref: '#/components/responses/IdentityMethodNotAllowed'}
        '429': {$ref: '#/components/responses/IdentityTooManyRequests'}
        '500': {$ref: '#/components/responses/IdentityFault'}
        '503': {$ref: '#/components/responses/IdentityUnavailable'}
  /v1/meters:
    get:
      operationId: listMeters
      tags: [operations]
      summary: The meters of the catalog.
      security: [{operationsKey: []}]
      responses:
        '200':
          description: The meters, by name.
          content: {application/json: {schema: {$ref: '#/components/schemas/MeterList'}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
        '500': {$ref: '#/components/responses/PlainFault'}
        '503': {$ref: '#/components/responses/PlainUnavailable'}
  /v1/meters/{meter}:
    get:
      operationId: readMeter
      tags: [operations]
      summary: One meter of the key's organization, over a range or window by window.
      description: |
        Without dates and window it is everything, where the meter keeps an all-time cell; else the last 30 days. A meter that is kept per
        dimension wants the dimensions of one of its scopes as further parameters, for example `project=website`.
      security: [{operationsKey: []}]
      parameters:
        - {name: meter, in: path, required: true, description: Its name in the catalog., schema: {type: string, pattern: '^[a-z][a-z0-9_]*$'}}
        - {name: start, in: query, description: Start of the range., schema: {type: string, format: date-time}}
        - {name: end, in: query, description: End of the range., schema: {type: string, format: date-time}}
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
          content: {application/json: {schema: {$ref: '#/components/schemas/MeterAnswer'}}}
        '304': {$ref: '#/components/responses/NotModified'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '401': {$ref: '#/components/responses/PlainUnauthorized'}
        '403': {$ref: '#/components/responses/PlainForbidden'}
        '404': {$ref: '#/components/responses/PlainNotFound'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '429': {$ref: '#/components/responses/PlainTooManyRequests'}
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
      description: Answering, with Redis reachable and a ledger there; consuming, with Redis reachable and the group joined.
      responses:
        '200': {$ref: '#/components/responses/State'}
        '400': {$ref: '#/components/responses/PlainBadRequest'}
        '405': {$ref: '#/components/responses/PlainMethodNotAllowed'}
        '503': {$ref: '#/components/responses/NotReady'}
  /metrics:
    servers: [{url: 'http://127.0.0.1:9090', description: A listener of its own.}]
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
    overviewKey: {type: apiKey, in: header, name: X-API-Key, description: 'An Admin key, dakkio_a_….'}
    workspaceToken: {type: http, scheme: bearer, description: A token of role admin or read; the organization's slug goes into x-org.}
    connectionKey: {type: apiKey, in: header, name: Authorization, description: 'The key, with or without Bearer before it.'}
    privacyKey: {type: apiKey, in: header, name: x-api-key, description: The organization's key.}
    identityToken: {type: http, scheme: bearer, bearerFormat: JWT, description: 'A JWT with the claims organization_id and exp.'}
    operationsKey: {type: http, scheme: bearer, description: A key of role admin or read that opens operations.}
  parameters:
    Organization: {name: x-org, in: header, required: true, description: Slug of the token's organization., schema: {type: string, minLength: 1}}
    StartSeconds:
      name: start_date
      in: query
      description: Start of the range, seconds since 1970; floored to its UTC day.
      schema: {type: integer, format: int64, minimum: 0, maximum: 7289654399}
    EndSeconds:
      name: end_date
      in: query
      description: End of the range, seconds since 1970; raised to the next UTC midnight.
      schema: {type: integer, format: int64, minimum: 0, maximum: 7289654399}
    Limit: {name: limit, in: query, description: At most so many., schema: {type: integer, minimum: 1, maximum: 100, default: 10}}
  headers:
    ETag: {description: 'Strong; If-None-Match with it gives 304.', schema: {type: string}}
    AsOf: {description: 'Record time of the newest record in the answer, RFC 3339.', schema: {type: string}}
    Range: {description: 'START/END of what was really answered, RFC 3339.', schema: {type: string}}
    Snapshot: {description: '`no` where the answer was too long to be read at one moment.', schema: {type: string, enum: ['no']}}
    Parked: {description: 'Cells of the answer that refuse their changes. Numbers hold what is parked of them where that has 64 bits.', schema: {type: integer, minimum: 1}}
    RetryAfter: {description: Seconds., schema: {type: integer, minimum: 1}}
  responses:
    NotModified:
      description: The entity tag of If-None-Match is still the right one.
    PlainBadRequest:
      description: A parameter, which the message names, or a malformed request.
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    PlainUnauthorized:
      description: No credential, or none that is known, live and good for this API.
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    PlainForbidden:
      description: Another organization, or a role that may not read.
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    PlainNotFound:
      description: There is none of this name.
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    PlainUnavailable:
      description: Redis is away, there is no ledger yet, it took too long, or a large ranking is being prepared. Never zeros.
      headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    PlainFault:
      description: A fault of ours, or the catalog has no such meter.
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    CodedError:
      description: What the status code says. The message names a bad parameter.
      content: {application/json: {schema: {$ref: '#/components/schemas/CodedError'}}}
    IdentityError:
      description: What the code says. The message names a bad parameter.
      content: {application/json: {schema: {$ref: '#/components/schemas/IdentityError'}}}
    IdentityFault:
      description: A fault of ours, or the catalog has no such meter.
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
    PlainTooManyRequests:
      description: Too many of one key or address.
      headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/PlainError'}}}
    CodedMethodNotAllowed:
      description: Another method than those in Allow.
      headers: {Allow: {required: true, schema: {type: string}}}
      content: {application/json: {schema: {$ref: '#/components/schemas/CodedError'}}}
    CodedTooManyRequests:
      description: Too many of one key or address.
      headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/CodedError'}}}
    IdentityMethodNotAllowed:
      description: Another method than those in Allow.
      headers: {Allow: {required: true, schema: {type: string}}}
      content: {application/json: {schema: {$ref: '#/components/schemas/IdentityError'}}}
    IdentityTooManyRequests:
      description: Too many of one key or address.
      headers: {Retry-After: {$ref: '#/components/headers/RetryAfter'}}
      content: {application/json: {schema: {$ref: '#/components/schemas/IdentityError'}}}
    State:
      description: It is so.
      content: {application/json: {schema: {$ref: '#/components/schemas/State'}}}
    NotReady:
      description: Not now; the message says why.
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
            [VALIDATION_ERROR, UNAUTHORIZED, FORBIDDEN, METHOD_NOT_ALLOWED, TOO_MANY_REQUESTS, INTERNAL_ERROR, UNAVAILABLE]
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

"""#
}
