/** /v3/domains/{id}/config: options of keystone.conf that a domain has of its own. */
import { Type } from 'typebox'
import type { ApiRequest, Route } from '../../../../platform/http/route.ts'
import { route } from '../route.ts'
import type { IdentityDeps } from '../../deps.ts'
import {
  complianceConfig,
  createDomainConfig,
  defaultDomainConfig,
  deleteDomainConfig,
  showDomainConfig,
  updateDomainConfig,
} from '../../operations/domain-config.ts'
import { policy } from '../../policies.ts'
import { requireDomain } from '../projects/resource.ts'

const whole = '/domains/:id/config'
const paths = [whole, `${whole}/:group`, `${whole}/:group/:option`] as const
type Path = (typeof paths)[number]
const defaults = [
  '/domains/config/default',
  '/domains/config/:group/default',
  '/domains/config/:group/:option/default',
] as const
const body = Type.Object({ config: Type.Record(Type.String(), Type.Unknown()) })

const configAnswer = Type.Object({ config: Type.Record(Type.String(), Type.Unknown()) })

const placeOf = ({ params }: ApiRequest<unknown, { id?: string; group?: string; option?: string }>) => ({
  section: params.group,
  name: params.option,
})

const show = (path: Path) =>
  route({
    method: 'GET',
    path,
    policy: policy('get_domain_config'),
    answer: { 200: configAnswer },
    async handle(request, deps) {
      request.ctx.authorize(policy('get_domain_config'))
      const { id } = await requireDomain(deps, request.params.id)
      return { status: 200, body: { config: await showDomainConfig(deps, id, placeOf(request)) } }
    },
  })

/** The form that passwords must have, for everyone to know. */
const showCompliance = (below: '' | '/:option') =>
  route({
    method: 'GET',
    path: `${whole}/security_compliance${below}`,
    policy: policy('get_security_compliance_domain_config'),
    answer: { 200: configAnswer },
    async handle(request, deps) {
      request.ctx.authorize(policy('get_security_compliance_domain_config'))
      const { id } = await requireDomain(deps, request.params.id)
      return { status: 200, body: { config: complianceConfig(deps, id, placeOf(request)) } }
    },
  })

const create = route({
  method: 'PUT',
  path: whole,
  policy: policy('create_domain_config'),
  body,
  answer: { 200: configAnswer, 201: configAnswer },
  async handle({ ctx, params, body: { config } }, deps) {
    ctx.authorize(policy('create_domain_config'))
    const { id } = await requireDomain(deps, params.id)
    const created = await createDomainConfig(deps, id, config)
    deps.changed()
    return { status: created.isNew ? 201 : 200, body: { config: created.config } }
  },
})

const update = (path: Path) =>
  route({
    method: 'PATCH',
    path,
    policy: policy('update_domain_config'),
    body,
    answer: { 200: configAnswer },
    async handle(request, deps) {
      request.ctx.authorize(policy('update_domain_config'))
      const { id } = await requireDomain(deps, request.params.id)
      const config = await updateDomainConfig(deps, id, request.body.config, placeOf(request))
      deps.changed()
      return { status: 200, body: { config } }
    },
  })

const remove = (path: Path) =>
  route({
    method: 'DELETE',
    path,
    policy: policy('delete_domain_config'),
    answer: { 204: null },
    async handle(request, deps) {
      request.ctx.authorize(policy('delete_domain_config'))
      const { id } = await requireDomain(deps, request.params.id)
      await deleteDomainConfig(deps, id, placeOf(request))
      deps.changed()
      return { status: 204 }
    },
  })

const showDefault = (path: (typeof defaults)[number]) =>
  route({
    method: 'GET',
    path,
    policy: policy('get_domain_config_default'),
    answer: { 200: configAnswer },
    handle(request, deps) {
      request.ctx.authorize(policy('get_domain_config_default'))
      return { status: 200, body: { config: defaultDomainConfig(deps, placeOf(request)) } }
    },
  })

export const domainConfigRoutes: Route<IdentityDeps>[] = [
  ...paths.flatMap((path) => [show(path), update(path), remove(path)]),
  create,
  showCompliance(''),
  showCompliance('/:option'),
  ...defaults.map(showDefault),
]
