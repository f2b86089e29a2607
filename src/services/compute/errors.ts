import { ApiError, BadRequest, Conflict, Forbidden, NotFound } from '../../platform/http/errors.ts'
import type { ApiError as Shown } from '../../platform/http/errors.ts'
import { reasonOf } from '../../platform/http/errors.ts'

const keys: Record<number, string> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  429: 'overLimit',
  501: 'notImplemented',
  503: 'serviceUnavailable',
}

/** Nova's error body: one key by status, with code and message. */
export const envelope = (error: Shown): unknown => ({
  [keys[error.status] ?? 'computeFault']: { code: error.status, message: error.message || reasonOf(error.status) },
})

export class ServerNotFound extends NotFound {
  constructor(id: string) {
    super(`Instance ${id} could not be found.`)
  }
}

export class FlavorNotFound extends NotFound {
  constructor(id: string) {
    super(`Flavor ${id} could not be found.`)
  }
}

export class ServerLocked extends Conflict {
  constructor(id: string) {
    super(`Instance ${id} is locked`)
  }
}

/** An action that the server's state does not allow. */
export class WrongState extends Conflict {
  constructor(id: string, action: string, attribute: 'vm_state' | 'task_state', state: string) {
    super(`Cannot '${action}' instance ${id} while it is in ${attribute} ${state}`)
  }
}

export class QuotaExceeded extends Forbidden {
  constructor(resource: string, requested: string, used: string, limit: string) {
    super(`Quota exceeded for ${resource}: Requested ${requested}, but already used ${used} of ${limit} ${resource}`)
  }
}

/** No host can run the server; the reasons name filters and counts. */
export class NoValidHost extends Error {
  readonly reason: string
  constructor(reason: string) {
    super(`No valid host was found. ${reason}`)
    this.reason = reason
  }
}

/** What a host said about a guest that does not start. `message` is clean for users. */
export class BuildFailed extends Error {
  readonly detail: string
  /** Trying another host makes no sense. */
  readonly isFinal: boolean
  constructor(message: string, detail = '', { isFinal = false } = {}) {
    super(message)
    this.detail = detail
    this.isFinal = isFinal
  }
}

/** Neutron does not give the server a port; `status` is for who waits for the answer. */
export class PortRefused extends BuildFailed {
  readonly status: number
  constructor(status: number, message: string, detail: string) {
    super(message, detail, { isFinal: true })
    this.status = status
  }
}

export { ApiError, BadRequest, Conflict, Forbidden, NotFound }
