import { Type } from 'typebox'
import { BadRequest, Conflict, NotFound } from '../../../platform/http/errors.ts'
import { route, type ApiRequest, type Route } from '../../../platform/http/route.ts'
import { isDuplicate } from '../../../platform/db/database.ts'
import { upsert } from '../../../platform/db/upsert.ts'
import type { PlacementDeps } from '../deps.ts'
import { standardClasses } from '../model/standard-classes.ts'
import { isStandardClass } from '../operations/classes.ts'
import { policy } from '../policies.ts'
import { cacheHeaders } from './providers.ts'

const since = 'resource-classes'
const customName = /^CUSTOM_[A-Z0-9_]{1,248}$/
const view = (name: string) => ({ name, links: [{ rel: 'self', href: `/resource_classes/${name}` }] })
const customs = async ({ database: { db } }: PlacementDeps) =>
  (await db.selectFrom('custom_classes').select('name').orderBy('name').execute()).map((row) => row.name)
const requireCustom = (name: string) => {
  if (!customName.test(name))
    throw new BadRequest(`JSON does not validate: '${name}' does not match '^CUSTOM\\_[A-Z0-9_]+$'`)
}

const list = route({
  method: 'GET',
  path: '/resource_classes',
  since,
  policy: policy('resource_classes:list'),
  async handle({ ctx, version }: ApiRequest<never>, deps: PlacementDeps) {
    ctx.authorize(policy('resource_classes:list'))
    return {
      status: 200,
      headers: cacheHeaders(version),
      body: { resource_classes: [...standardClasses, ...(await customs(deps))].map(view) },
    }
  },
})

const create = route({
  method: 'POST',
  path: '/resource_classes',
  since,
  policy: policy('resource_classes:create'),
  body: Type.Object({ name: Type.String({ minLength: 1, maxLength: 255 }) }, { additionalProperties: false }),
  async handle({ ctx, body, baseUrl }, { database: { db } }: PlacementDeps) {
    ctx.authorize(policy('resource_classes:create'))
    requireCustom(body.name)
    try {
      await db.insertInto('custom_classes').values({ name: body.name }).execute()
    } catch (error) {
      if (isDuplicate(error)) throw new Conflict(`Conflicting resource class already exists: ${body.name}`)
      throw error
    }
    return { status: 201, headers: { Location: `${baseUrl}/resource_classes/${body.name}` } }
  },
})

const show = route({
  method: 'GET',
  path: '/resource_classes/:name',
  since,
  policy: policy('resource_classes:show'),
  async handle({ ctx, params, version }: ApiRequest<never>, deps: PlacementDeps) {
    ctx.authorize(policy('resource_classes:show'))
    const name = params['name'] ?? ''
    if (!isStandardClass(name) && !(await customs(deps)).includes(name))
      throw new NotFound(`No such resource class ${name}.`)
    return { status: 200, headers: cacheHeaders(version), body: view(name) }
  },
})

const put = route({
  method: 'PUT',
  path: '/resource_classes/:name',
  since: 'put-class',
  policy: policy('resource_classes:update'),
  async handle({ ctx, params, baseUrl }: ApiRequest<never>, deps: PlacementDeps) {
    ctx.authorize(policy('resource_classes:update'))
    const name = params['name'] ?? ''
    requireCustom(name)
    const isNew = !(await customs(deps)).includes(name)
    await upsert(deps.database.db, deps.database.engine, 'custom_classes', ['name'], { name })
    return { status: isNew ? 201 : 204, headers: { Location: `${baseUrl}/resource_classes/${name}` } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/resource_classes/:name',
  since,
  policy: policy('resource_classes:delete'),
  async handle({ ctx, params }: ApiRequest<never>, { database: { db } }: PlacementDeps) {
    ctx.authorize(policy('resource_classes:delete'))
    const name = params['name'] ?? ''
    if (isStandardClass(name))
      throw new BadRequest(`Error in delete resource class: Cannot delete standard resource class ${name}.`)
    if (await db.selectFrom('inventories').select('total').where('resource_class', '=', name).executeTakeFirst()) {
      throw new Conflict(`Error in delete resource class: Class ${name} is in use in inventory.`)
    }
    const done = await db.deleteFrom('custom_classes').where('name', '=', name).executeTakeFirst()
    if (done.numDeletedRows === 0n)
      throw new NotFound(`Error in delete resource class: No such resource class ${name}.`)
    return { status: 204 }
  },
})

export const classRoutes = [list, create, show, put, remove] as Route<PlacementDeps>[]
