/** What can go wrong, in upstream's words; `code` is what clients see from 1.23 on. */
import { ServiceError, Invalid, Conflict, NotFound } from '../../platform/errors.ts'

/** Codes of the `code` field. */
export const codes = {
  default: 'placement.undefined_code',
  inventoryInUse: 'placement.inventory.inuse',
  concurrentUpdate: 'placement.concurrent_update',
  duplicateName: 'placement.duplicate_name',
  providerInUse: 'placement.resource_provider.inuse',
  cannotDeleteParent: 'placement.resource_provider.cannot_delete_parent',
  providerNotFound: 'placement.resource_provider.not_found',
  duplicateKey: 'placement.query.duplicate_key',
  badValue: 'placement.query.bad_value',
  missingValue: 'placement.query.missing_value',
} as const

export class ProviderNotFound extends NotFound {
  constructor(uuid: string) {
    super(`No resource provider with uuid ${uuid} found`)
  }
}

export class ClassNotFound extends NotFound {
  constructor(name: string) {
    super(`No such resource class ${name}.`)
  }
}

export class ClassExists extends Conflict {
  constructor(name: string) {
    super(`Resource class ${name} already exists.`)
  }
}

export class ClassInUse extends Conflict {
  constructor(name: string) {
    super(`Cannot delete resource class ${name}. Class is in use in inventory.`)
  }
}

export class TraitsNotFound extends NotFound {
  constructor(names: readonly string[]) {
    super(`No such trait(s): ${names.join(', ')}.`)
  }
}

export class TraitInUse extends Conflict {
  constructor(name: string) {
    super(`The trait ${name} is in use by a resource provider.`)
  }
}

export class InventoryNotFound extends NotFound {
  constructor(name: string) {
    super(`No inventory of class ${name} found.`)
  }
}

/** Somebody else changed the thing since it was read: read it again and repeat. */
export class ConcurrentUpdate extends Conflict {
  constructor(message = 'Another thread concurrently updated the resource provider data. Please retry your update') {
    super(message, { code: codes.concurrentUpdate })
  }
}

/** An inventory that does not hold what is asked of it, or is none. */
export class InvalidInventory extends Conflict {
  constructor(
    resourceClass: string,
    provider: string,
    message = `Inventory for '${resourceClass}' on resource provider '${provider}' invalid.`,
  ) {
    super(message)
  }
}

export class CapacityExceeded extends InvalidInventory {
  constructor(resourceClass: string, provider: string) {
    super(
      resourceClass,
      provider,
      `Unable to create allocation for '${resourceClass}' on resource provider '${provider}'. The requested amount would exceed the capacity.`,
    )
  }
}

export class ConstraintsViolated extends InvalidInventory {
  constructor(resourceClass: string, provider: string) {
    super(
      resourceClass,
      provider,
      `Unable to create allocation for '${resourceClass}' on resource provider '${provider}'. The requested amount would violate inventory constraints.`,
    )
  }
}

/** More is reserved than there is; before 1.26 as much as there is was too much. */
export class ReservedTooMuch extends Invalid {
  constructor(resourceClass: string, provider: string, isEqualAllowed: boolean) {
    super(
      `Invalid inventory for '${resourceClass}' on resource provider '${provider}'. The reserved value is greater than ${isEqualAllowed ? '' : 'or equal to '}total.`,
    )
  }
}

export class InventoryInUse extends InvalidInventory {
  constructor(classes: readonly string[], provider: string) {
    const names = classes.join(', ')
    super(names, provider, `Inventory for '${names}' on resource provider '${provider}' in use.`)
  }
}

/** A provider cannot be made or moved like that. */
export class ProviderActionError extends Invalid {
  constructor(action: 'create' | 'update', reason: string) {
    super(`Object action ${action} failed because: ${reason}`)
  }
}

export class DuplicateProvider extends Conflict {
  constructor(what: string) {
    super(`Conflicting resource provider ${what} already exists.`, { code: codes.duplicateName })
  }
}

export class ProviderInUse extends Conflict {
  constructor(uuid: string) {
    super(`Unable to delete resource provider ${uuid}: Resource provider has allocations.`, {
      code: codes.providerInUse,
    })
  }
}

export class ProviderHasChildren extends Conflict {
  constructor(uuid: string) {
    super(`Unable to delete parent resource provider ${uuid}: It has child resource providers.`, {
      code: codes.cannotDeleteParent,
    })
  }
}

/** A query parameter nobody can make sense of. */
export class BadQuery extends Invalid {
  constructor(message: string, code?: string) {
    super(message, code === undefined ? {} : { code })
  }
}

type ErrorClass = abstract new (...args: never[]) => ServiceError

/** How an operation's error is told by one particular request: its class and the answer made of its message. */
export type ErrorMapping = readonly [which: ErrorClass, tell: (message: string) => ServiceError]

/** Runs `work`; an error of a class in `mappings` (the first that matches) is told in the words of the request. */
export async function mapErrors<T>(mappings: readonly ErrorMapping[], work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const mapping = mappings.find(([which]) => error instanceof which)
    if (!mapping) throw error
    throw mapping[1]((error as ServiceError).message)
  }
}
