import { randomUUID } from 'node:crypto'
import { Type } from 'typebox'
import { exactly, nullable, since, type Shown } from '../../../../platform/http/answers.ts'
import { isDuplicate } from '../../../../platform/db/database.ts'
import { route } from '../route.ts'
import type { ApiVersion } from '../../../../platform/http/versions.ts'
import type { ComputeDeps } from '../../deps.ts'
import { Invalid, Conflict, NotFound } from '../../errors.ts'
import type { Aggregate } from '../../model/host.ts'
import { changeAggregate, checkHost, withHost, withMetadata } from '../../operations/aggregates.ts'
import { deleteAggregate, insertAggregate, listAggregates } from '../../store/aggregates.ts'
import { number, text, textByName, texts } from '../answers.ts'
import { toOldTime } from '../links.ts'
import { azName, fqdn, metadataWithNull, name, nameWithBlanks, strict } from '../parameter-types.ts'
import * as policy from './policy.ts'

const zone = Type.Unsafe<string | null>({ oneOf: [azName, Type.Null()] })
const createBody = Type.Object(
  { aggregate: Type.Object({ name, availability_zone: Type.Optional(zone) }, strict) },
  strict,
)
const updateBody = Type.Object(
  {
    aggregate: Type.Object(
      { name: Type.Optional(nameWithBlanks), availability_zone: Type.Optional(zone) },
      { ...strict, minProperties: 1 },
    ),
  },
  strict,
)
const host = Type.Object({ host: fqdn }, strict)
const actionBody = Type.Object(
  {
    add_host: Type.Optional(host),
    remove_host: Type.Optional(host),
    set_metadata: Type.Optional(Type.Object({ metadata: metadataWithNull }, strict)),
  },
  { ...strict, minProperties: 1, maxProperties: 1 },
)

const made = {
  id: number,
  name: text,
  availability_zone: nullable(text),
  created_at: nullable(text),
  updated_at: nullable(text),
  deleted: Type.Boolean(),
  deleted_at: Type.Null(),
  uuid: since('aggregate-uuid', text),
}
const shown = exactly({ ...made, hosts: texts, metadata: textByName })
const answer = { 200: exactly({ aggregate: shown }) }

const view = (aggregate: Aggregate, version: ApiVersion): Shown<typeof shown> => ({
  id: aggregate.id,
  name: aggregate.name,
  availability_zone: aggregate.zone,
  hosts: aggregate.hosts,
  metadata: { ...aggregate.metadata, ...(aggregate.zone !== null && { availability_zone: aggregate.zone }) },
  created_at: toOldTime(aggregate.createdAt),
  updated_at: toOldTime(aggregate.updatedAt),
  deleted: false,
  deleted_at: null,
  ...(version.has('aggregate-uuid') && { uuid: aggregate.uuid }),
})

async function find({ database }: ComputeDeps, id: string): Promise<Aggregate> {
  const found = (await listAggregates(database.db)).find((each) => String(each.id) === id)
  if (!found) throw new NotFound(`Aggregate ${id} could not be found.`)
  return found
}

export const aggregateRoutes = [
  route({
    method: 'GET',
    path: '/os-aggregates',
    policy: policy.index,
    answer: { 200: exactly({ aggregates: Type.Array(shown) }) },
    async handle({ ctx, version }, { database }) {
      ctx.authorize(policy.index)
      return {
        status: 200,
        body: { aggregates: (await listAggregates(database.db)).map((each) => view(each, version)) },
      }
    },
  }),
  route({
    method: 'POST',
    path: '/os-aggregates',
    policy: policy.create,
    body: createBody,
    answer: { 200: exactly({ aggregate: exactly(made) }) },
    async handle({ ctx, version, body }, { database, now }) {
      ctx.authorize(policy.create)
      const { name: wanted, availability_zone: zoneName = null } = body.aggregate
      const aggregate = {
        uuid: randomUUID(),
        name: wanted,
        zone: zoneName,
        metadata: {},
        hosts: [],
        createdAt: now(),
        updatedAt: null,
      }
      const id = await database
        .transaction((tx) => insertAggregate(tx, aggregate))
        .catch((error: unknown) => {
          if (isDuplicate(error)) throw new Conflict(`Aggregate ${aggregate.name} already exists.`)
          throw error
        })
      const { hosts: _hosts, metadata: _metadata, ...rest } = view({ id, ...aggregate }, version)
      return { status: 200, body: { aggregate: rest } }
    },
  }),
  route({
    method: 'GET',
    path: '/os-aggregates/:id',
    policy: policy.show,
    answer,
    async handle({ ctx, params, version }, deps) {
      ctx.authorize(policy.show)
      return { status: 200, body: { aggregate: view(await find(deps, params.id), version) } }
    },
  }),
  route({
    method: 'PUT',
    path: '/os-aggregates/:id',
    policy: policy.update,
    body: updateBody,
    answer,
    async handle({ ctx, params, version, body }, deps) {
      ctx.authorize(policy.update)
      const { name: wanted, availability_zone: zoneName } = body.aggregate
      const changes = {
        ...(wanted !== undefined && { name: wanted.trim() }),
        ...(zoneName !== undefined && { zone: zoneName }),
      }
      return {
        status: 200,
        body: { aggregate: view(await changeAggregate(deps, params.id, () => changes), version) },
      }
    },
  }),
  route({
    method: 'DELETE',
    path: '/os-aggregates/:id',
    policy: policy.remove,
    answer: { 200: null },
    async handle({ ctx, params }, deps) {
      ctx.authorize(policy.remove)
      const aggregate = await find(deps, params.id)
      if (aggregate.hosts.length > 0)
        throw new Invalid(`Cannot remove host aggregate ${aggregate.id}: it is not empty.`)
      await deleteAggregate(deps.database.db, aggregate.id)
      return { status: 200 }
    },
  }),
  route({
    method: 'POST',
    path: '/os-aggregates/:id/action',
    policy: [policy.addHost, policy.removeHost, policy.setMetadata],
    body: actionBody,
    answer,
    async handle({ ctx, params, version, body }, deps) {
      const { add_host: add, remove_host: remove, set_metadata: set } = body
      ctx.authorize(add ? policy.addHost : remove ? policy.removeHost : policy.setMetadata)
      if (add) await checkHost(deps, add.host)
      const changed = await changeAggregate(deps, params.id, (aggregate, all) => {
        if (add) return withHost(aggregate, all, add.host)
        if (set) return withMetadata(aggregate, set.metadata)
        if (!aggregate.hosts.includes(remove!.host))
          throw new NotFound(`Aggregate ${aggregate.id} has no host ${remove!.host}.`)
        return { hosts: aggregate.hosts.filter((each) => each !== remove!.host) }
      })
      return { status: 200, body: { aggregate: view(changed, version) } }
    },
  }),
]
