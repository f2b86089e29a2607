import { Type } from 'typebox'
import { Invalid, Conflict } from '../../../../platform/errors.ts'
import { ClassExists, ClassInUse, ClassNotFound, mapErrors } from '../../errors.ts'
import { isStandardClass, standardClasses } from '../../model/standard-classes.ts'
import { changeClass, ensureClass, removeClass } from '../../operations/classes.ts'
import { requireClasses } from '../../operations/known-names.ts'
import { findCustomClasses, listCustomClasses } from '../../store/classes.ts'
import { endpoint } from '../endpoint.ts'
import { cacheHeaders, latest } from '../headers.ts'
import { requireValid } from '../invalid.ts'
import { closed, customPattern, links } from '../schema.ts'

const since = 'resource-classes'
const body = Type.Object({ name: Type.String({ pattern: customPattern, maxLength: 255 }) }, closed)
const classAnswer = Type.Object({ name: Type.String(), links }, closed)
const listAnswer = Type.Object({ resource_classes: Type.Array(classAnswer) }, closed)

const view = (name: string) => ({ name, links: [{ rel: 'self', href: `/resource_classes/${name}` }] })

const list = endpoint({
  method: 'GET',
  path: '/resource_classes',
  since,
  policy: 'resource_classes:list',
  answer: { 200: listAnswer },
  async handle({ version }, { database: { db } }) {
    const custom = await listCustomClasses(db)
    const names = [...standardClasses, ...custom.map((each) => each.name)]
    const headers = cacheHeaders(version, latest(custom.map((each) => Number(each.created_at))))
    return { status: 200, headers, body: { resource_classes: names.map(view) } }
  },
})

const create = endpoint({
  method: 'POST',
  path: '/resource_classes',
  since,
  policy: 'resource_classes:create',
  body,
  answer: { 201: null },
  async handle({ body: { name }, baseUrl }, deps) {
    if (!(await ensureClass(deps, name))) throw new Conflict(`Conflicting resource class already exists: ${name}`)
    return { status: 201, headers: { Location: `${baseUrl}/resource_classes/${name}` } }
  },
})

const show = endpoint({
  method: 'GET',
  path: '/resource_classes/:name',
  since,
  policy: 'resource_classes:show',
  answer: { 200: classAnswer },
  async handle({ params, version }, { database: { db } }) {
    const name = params.name
    const [custom] = await findCustomClasses(db, [name])
    if (!custom && !isStandardClass(name)) throw new ClassNotFound(name)
    return { status: 200, headers: cacheHeaders(version, Number(custom?.created_at ?? 0)), body: view(name) }
  },
})

/** Before 1.7: a class gets another name. */
const rename = endpoint({
  method: 'PUT',
  path: '/resource_classes/:name',
  since,
  until: 'put-class',
  policy: 'resource_classes:update',
  body,
  answer: { 200: classAnswer },
  async handle({ params, body: { name } }, deps) {
    const from = params.name
    await requireClasses(deps.database.db, [from])
    if (isStandardClass(from)) throw new Invalid(`Cannot update standard resource class ${from}`)
    await mapErrors([[ClassExists, () => new Conflict(`Resource class already exists: ${name}`)]], () =>
      changeClass(deps, from, name),
    )
    return { status: 200, body: view(name) }
  },
})

/** Since 1.7: a class is there afterwards. */
const put = endpoint({
  method: 'PUT',
  path: '/resource_classes/:name',
  since: 'put-class',
  policy: 'resource_classes:update',
  answer: { 201: null, 204: null },
  async handle({ params, baseUrl }, deps) {
    const name = params.name
    requireValid(body, { name })
    const isNew = await ensureClass(deps, name)
    return { status: isNew ? 201 : 204, headers: { Location: `${baseUrl}/resource_classes/${name}` } }
  },
})

const remove = endpoint({
  method: 'DELETE',
  path: '/resource_classes/:name',
  since,
  policy: 'resource_classes:delete',
  answer: { 204: null },
  async handle({ params }, deps) {
    const name = params.name
    const failed = 'Error in delete resource class:'
    if (isStandardClass(name)) throw new Invalid(`${failed} Cannot delete standard resource class ${name}.`)
    await mapErrors([[ClassInUse, (why) => new Conflict(`${failed} ${why}`)]], () => removeClass(deps, name))
    return { status: 204 }
  },
})

export const classRoutes = [list, create, show, rename, put, remove]
