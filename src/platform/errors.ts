/**
 * What can go wrong in a service, whoever asked and over whatever transport. A service's own `errors.ts` extends these; an
 * API tells them with the status of their kind (platform/http/errors.ts) and in its own envelope.
 */

export const errorKinds = [
  'invalid',
  'unauthenticated',
  'forbidden',
  'not-found',
  'timeout',
  'conflict',
  // It was there, and will not be again; or the operator switched it off.
  'gone',
  'too-large',
  'unsupported-format',
  'throttled',
  'internal',
  // What this host or driver cannot do.
  'not-supported',
  'unavailable',
] as const
export type ErrorKind = (typeof errorKinds)[number]

export interface ErrorOptions {
  cause?: unknown
  /** For the log only. */
  detail?: string | undefined
  /** A machine-readable code where the service has them (placement's `code`, neutron's `type`). */
  code?: string
  /** Seconds after which it makes sense to ask again. */
  retryAfter?: number
}

/** An error that a user may see. `message` is for the user, `detail` and `cause` are for the log only. */
export class ServiceError extends Error {
  readonly kind: ErrorKind
  readonly detail: string | undefined
  readonly code: string | undefined
  readonly retryAfter: number | undefined

  constructor(kind: ErrorKind, message: string, { cause, detail, code, retryAfter }: ErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.kind = kind
    this.detail = detail
    this.code = code
    this.retryAfter = retryAfter
  }
}

export class Invalid extends ServiceError {
  constructor(message: string, options: ErrorOptions = {}) {
    super('invalid', message, options)
  }
}

export class Unauthorized extends ServiceError {
  constructor(message = 'The request you have made requires authentication.', options: ErrorOptions = {}) {
    super('unauthenticated', message, options)
  }
}

export class Forbidden extends ServiceError {
  constructor(message: string, options: ErrorOptions = {}) {
    super('forbidden', message, options)
  }
}

export class NotFound extends ServiceError {
  constructor(message = 'The resource could not be found.', options: ErrorOptions = {}) {
    super('not-found', message, options)
  }
}

export class Conflict extends ServiceError {
  constructor(message: string, options: ErrorOptions = {}) {
    super('conflict', message, options)
  }
}

/** A dependency (another service, a database) does not answer; the request may be repeated. */
export class Unavailable extends ServiceError {
  constructor(message: string, options: ErrorOptions = {}) {
    super('unavailable', message, options)
  }
}

/** The user did nothing wrong and can do nothing about it. */
export const isOurFault = ({ kind }: ServiceError): boolean =>
  kind === 'internal' || kind === 'not-supported' || kind === 'unavailable'
