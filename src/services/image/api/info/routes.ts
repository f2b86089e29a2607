/** What this glance offers: import methods, stores, and what the caller's project has left. */
import { Type } from 'typebox'
import { exactly } from '../../../../platform/http/answers.ts'
import { route } from '../route.ts'
import { inUnits, resources } from '../../operations/quota.ts'
import { policy } from '../../policies.ts'
import { readUsage } from '../../store/usage.ts'
import type { Stores } from '../../stores/stores.ts'

const text = Type.String()
const importAnswer = exactly({
  'import-methods': exactly({ description: text, type: text, value: Type.Array(text) }),
})
const store = {
  id: text,
  description: Type.Optional(text),
  default: Type.Optional(text),
  'read-only': Type.Optional(text),
}
const detailAnswer = exactly({
  stores: Type.Array(
    exactly({ ...store, type: text, weight: Type.Number(), properties: Type.Record(text, Type.Unknown()) }),
  ),
})
const usageAnswer = exactly({
  usage: Type.Record(text, exactly({ usage: Type.Integer(), limit: Type.Integer() })),
})

const imports = route({
  method: 'GET',
  path: '/info/import',
  policy: null,
  answer: { 200: importAnswer },
  handle: (_request, { config }) => ({
    status: 200,
    body: {
      'import-methods': { description: 'Import methods available.', type: 'array', value: config.importMethods },
    },
  }),
})

/** Clients compare these flags with the text `true`. */
const viewStores = (stores: Stores) =>
  stores.all().map((store) => ({
    store,
    view: {
      id: store.id,
      ...(store.description !== '' && { description: store.description }),
      ...(store.id === stores.defaultId && { default: 'true' }),
      ...(store.isReadOnly && { 'read-only': 'true' }),
    },
  }))

const listStores = route({
  method: 'GET',
  path: '/info/stores',
  policy: null,
  answer: { 200: exactly({ stores: Type.Array(exactly(store)) }) },
  handle: (_request, { stores }) => ({
    status: 200,
    body: { stores: viewStores(stores).map(({ view }) => view) },
  }),
})

const detail = policy('stores_info_detail')
const listStoresDetail = route({
  method: 'GET',
  path: '/info/stores/detail',
  policy: detail,
  answer: { 200: detailAnswer },
  handle({ ctx }, { stores }) {
    ctx.authorize(detail)
    const body = viewStores(stores).map(({ store, view }) => ({
      ...view,
      type: store.type,
      weight: store.weight,
      properties: store.properties,
    }))
    return { status: 200, body: { stores: body } }
  },
})

const usage = route({
  method: 'GET',
  path: '/info/usage',
  policy: null,
  answer: { 200: usageAnswer },
  async handle({ ctx }, { database, limits: readLimits }) {
    const projectId = ctx.projectId ?? ''
    const limits = await readLimits(projectId)
    if (!limits) return { status: 200, body: { usage: {} } }
    const used = await readUsage(database.db, projectId)
    const entries = resources.map((name) => [name, { usage: inUnits(name, used[name]), limit: limits[name] }] as const)
    return { status: 200, body: { usage: Object.fromEntries(entries) } }
  },
})

export const infoRoutes = [imports, listStores, listStoresDetail, usage]
