import { BadRequest, Conflict, NotFound } from '../../platform/http/errors.ts'

/** Codes of the `code` field, as upstream has them (1.23). */
const code = (name: string) => `placement.${name}`

export class ProviderNotFound extends NotFound {
  constructor(uuid: string) {
    super(`No resource provider with uuid ${uuid} found`, { code: code('undefined_code') })
  }
}

/** Somebody else changed the thing since it was read: read it again and repeat. */
export class ConcurrentUpdate extends Conflict {
  constructor(message: string) {
    super(message, { code: code('concurrent_update') })
  }
}

export class InventoryInUse extends Conflict {
  constructor(message: string) {
    super(message, { code: code('inventory.inuse') })
  }
}

export class ProviderInUse extends Conflict {
  constructor(uuid: string) {
    super(`Unable to delete resource provider ${uuid}: Resource provider has allocations.`, {
      code: code('resource_provider.inuse'),
    })
  }
}

export class ProviderHasChildren extends Conflict {
  constructor(uuid: string) {
    super(`Unable to delete resource provider ${uuid}: Cannot delete parent provider with children.`, {
      code: code('resource_provider.cannot_delete_parent'),
    })
  }
}

export class DuplicateName extends Conflict {
  constructor(what: string) {
    super(what, { code: code('duplicate_name') })
  }
}

/** The inventory does not hold what is asked for. */
export class CapacityExceeded extends Conflict {
  constructor(why: string) {
    super(`Unable to allocate inventory: ${why}`, { code: code('undefined_code') })
  }
}

export class BadValue extends BadRequest {
  constructor(message: string) {
    super(message, { code: code('query.bad_value') })
  }
}
