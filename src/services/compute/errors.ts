import { ServiceError, Invalid, Conflict, Forbidden, NotFound, type ErrorKind } from '../../platform/errors.ts'

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

/** Neutron does not give the server a port; `kind` is for who waits for the answer. */
export class PortRefused extends BuildFailed {
  readonly kind: ErrorKind
  constructor(kind: ErrorKind, message: string, detail: string) {
    super(message, detail, { isFinal: true })
    this.kind = kind
  }
}

export { ServiceError, Invalid, Conflict, Forbidden, NotFound }
