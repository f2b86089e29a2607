/**
 * What can go wrong in an API, independent of a service. A service's own `errors.ts` extends `ApiError`; the HTTP
 * status is decided here once and the envelope by the service (`ServiceDefinition.envelope`).
 */

/** An error that a user may see. `message` is for the user, `detail` and `cause` are for the log only. */
export class ApiError extends Error {
  readonly status: number
  readonly detail: string | undefined
  /** Extra response headers, e.g. `WWW-Authenticate`. */
  readonly headers: Record<string, string>
  /** A machine-readable code where the service has them (placement's `code`, neutron's `type`). */
  readonly code: string | undefined

  constructor(
    status: number,
    message: string,
    options: { cause?: unknown; detail?: string; headers?: Record<string, string>; code?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.status = status
    this.detail = options.detail
    this.headers = options.headers ?? {}
    this.code = options.code
  }
}

export class BadRequest extends ApiError {
  constructor(message: string, options: { code?: string; cause?: unknown } = {}) {
    super(400, message, options)
  }
}

export class Unauthorized extends ApiError {
  constructor(message = 'The request you have made requires authentication.', headers: Record<string, string> = {}) {
    super(401, message, { headers })
  }
}

export class Forbidden extends ApiError {
  constructor(message: string, options: { code?: string } = {}) {
    super(403, message, options)
  }
}

export class NotFound extends ApiError {
  constructor(message = 'The resource could not be found.', options: { code?: string } = {}) {
    super(404, message, options)
  }
}

export class Conflict extends ApiError {
  constructor(message: string, options: { code?: string; cause?: unknown } = {}) {
    super(409, message, options)
  }
}

/** A dependency (another service, a database) does not answer; the request may be repeated. */
export class ServiceUnavailable extends ApiError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(503, message, options)
  }
}

/** The standard reason phrase of a status, as webob and flask print it. */
export const reasonOf = (status: number): string => reasons[status] ?? 'Error'

const reasons: Record<number, string> = {
  300: 'Multiple Choices',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  410: 'Gone',
  411: 'Length Required',
  412: 'Precondition Failed',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Requested Range Not Satisfiable',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
}
