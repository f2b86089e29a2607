import { ServiceError, Invalid, Conflict, Forbidden, NotFound, Unauthorized } from '../../platform/errors.ts'

/** `Could not find user: X.` */
export class IdentityNotFound extends NotFound {
  constructor(kind: string, id: string) {
    super(`Could not find ${kind}: ${id}.`)
  }
}

/** A name is taken. */
export class IdentityConflict extends Conflict {
  constructor(kind: string, detail: string) {
    super(`Conflict occurred attempting to store ${kind} - ${detail}.`)
  }
}

export class AuthFailed extends Unauthorized {
  constructor() {
    super('The request you have made requires authentication.')
  }
}

export class ValidationFailed extends Invalid {}

/** Something is missing in a request: keystone's sentence, which clients match on. */
export const expected = (attribute: string, target: string): ValidationFailed =>
  new ValidationFailed(
    `Expecting to find ${attribute} in ${target}. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`,
  )

/** An entity with the option `immutable` set is not changed or deleted until that is taken off. */
export class Immutable extends Forbidden {
  constructor(verb: 'update' | 'delete', kind: string, id: string) {
    super(`Unable to ${verb} immutable ${kind} resource: \`${id}. Set resource option "immutable" to false first.`)
  }
}

export class ActionForbidden extends Forbidden {
  constructor(action: string) {
    super(`You are not authorized to perform the requested action: ${action}.`)
  }
}

export class ProtocolNotFound extends NotFound {
  constructor(protocolId: string, idpId: string) {
    super(`Could not find federated protocol ${protocolId} for Identity Provider: ${idpId}.`)
  }
}

export class RegionInUse extends Forbidden {
  constructor(id: string) {
    super(`Unable to delete region ${id} because it or its child regions have associated endpoints.`)
  }
}

/** A login that fails for a reason which only the log tells. */
export class LoginRefused extends ServiceError {
  constructor(detail: string) {
    super('unauthenticated', 'The request you have made requires authentication.', { detail })
  }
}

/** What the operator must mend; the answer says where, the log why. */
export class Misconfigured extends ServiceError {
  constructor(message: string, cause?: unknown) {
    super('internal', message, { cause })
  }
}
