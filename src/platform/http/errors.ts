/** Errors as HTTP tells them: the status of each kind, and what only this transport can refuse. */
import { ServiceError, type ErrorKind } from '../errors.ts'

/** An error as an envelope shows it. */
export interface ShownError {
  readonly status: number
  readonly message: string
  readonly code: string | undefined
  /** For the log only. */
  readonly detail: string | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** What is wrong with a request as a message of HTTP: its method, media type, length, conditions. */
export class HttpError extends Error implements ShownError {
  readonly status: number
  readonly detail: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly code: string | undefined

  constructor(
    status: number,
    message: string,
    { detail, headers = {}, code }: { detail?: string; headers?: Record<string, string>; code?: string } = {},
  ) {
    super(message)
    this.name = new.target.name
    this.status = status
    this.detail = detail
    this.headers = headers
    this.code = code
  }
}

const statuses: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  timeout: 408,
  conflict: 409,
  gone: 410,
  'too-large': 413,
  'unsupported-format': 415,
  throttled: 429,
  internal: 500,
  'not-supported': 501,
  unavailable: 503,
}

export const statusOf = ({ kind }: ServiceError): number => statuses[kind]

/** The kind that another service's status stands for; one without a kind of its own is the asker's or the service's fault. */
export function kindOf(status: number): ErrorKind {
  const kinds = Object.keys(statuses) as ErrorKind[]
  return kinds.find((kind) => statuses[kind] === status) ?? (status < 500 ? 'invalid' : 'internal')
}

/** How an error is shown; undefined for one that users may not see. */
export function shownError(error: unknown): ShownError | undefined {
  if (error instanceof HttpError) return error
  if (!(error instanceof ServiceError)) return undefined
  const { message, code, detail, retryAfter } = error
  const headers: Record<string, string> = retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }
  return { status: statusOf(error), message, code, detail, headers }
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
