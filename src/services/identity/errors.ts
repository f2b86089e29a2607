import { BadRequest, Conflict, Forbidden, NotFound, Unauthorized } from '../../platform/http/errors.ts'

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

export class ValidationFailed extends BadRequest {}
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
