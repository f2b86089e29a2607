import { serve } from '../../platform/http/server.ts'
import { runningService, type RoleStarts, type RunningService, type ServiceEnv } from '../../platform/service.ts'
import { appOf } from './api/app.ts'
import { readSwiftConfig, shownLimits, type SwiftConfig } from './config/config.ts'
import { middlewares } from './middleware/table.ts'
import type { Middleware, MiddlewareEnv } from './middleware/middleware.ts'
import type { ServerKind } from './proxy/backends.ts'
import type { ProxyDeps } from './proxy/deps.ts'
import { proxyServer } from './proxy/proxy.ts'
import { openStorage, type Storage } from './storage.ts'
import { reportChanged, reportContainers, tellContainers } from './updaters.ts'
import type { Handler } from './wire/message.ts'

/** What runs of swift in a process. Throws ConfigError. */
export async function openSwiftService(env: ServiceEnv): Promise<RunningService> {
  const config = readSwiftConfig(env.configFiles)
  for (const remark of config.remarks) env.log.warn({}, remark)
  const storage = openStorage(config, env.stateDir, env.log)
  const app = appOf(pipelineOf(config, proxyDepsOf(config, storage, env), env), {
    type: 'object-store',
    baseUrl: env.baseUrl,
  })
  return runningService({ 'object-store': app }, rolesOf(config, storage, env), async () => storage.close())
}

const proxyDepsOf = (config: SwiftConfig, storage: Storage, env: ServiceEnv): ProxyDeps => ({
  backends: storage.backends,
  rings: storage.rings,
  mix: storage.mix,
  policies: config.policies,
  limits: config.limits,
  accountAutocreate: config.proxy.accountAutocreate,
  allowAccountManagement: config.proxy.allowAccountManagement,
  info: () => infoOf(config),
  log: env.log,
})

function pipelineOf({ pipeline }: SwiftConfig, proxy: ProxyDeps, env: ServiceEnv): Handler {
  const { authenticator, authUrl, log } = env
  return pipeline.reduceRight<Handler>((next, { name, options }) => {
    const middlewareEnv: MiddlewareEnv = { options, proxy, authenticator, authUrl, log }
    return middlewares[name].wrap(next, middlewareEnv)
  }, proxyServer(proxy))
}

/** What clients may know of the cluster. */
function infoOf({ pipeline, proxy, policies, limits }: SwiftConfig): Record<string, unknown> {
  if (!proxy.exposeInfo) return {}
  const shown = policies.filter(({ isDeprecated }) => !isDeprecated)
  const swift = {
    version: '2.30.1',
    ...shownLimits(limits),
    account_autocreate: proxy.accountAutocreate,
    allow_account_management: proxy.allowAccountManagement,
    strict_cors_mode: true,
    policies: shown.map(({ name, isDefault }) => ({ name, aliases: name, ...(isDefault && { default: true }) })),
  }
  const sections: Record<string, unknown> = { swift }
  for (const { name, options } of pipeline) Object.assign(sections, (middlewares[name] as Middleware).info?.(options))
  for (const hidden of proxy.hiddenInfo) {
    const [section = '', key] = hidden.split('.')
    if (key === undefined) delete sections[section]
    else delete (sections[section] as Record<string, unknown> | undefined)?.[key]
  }
  return sections
}

/** How often what was not told is told again. */
const soonMs = 2000
const laterMs = 300_000

function rolesOf(config: SwiftConfig, storage: Storage, env: ServiceEnv): RoleStarts {
  const server = (kind: ServerKind) => async () => {
    const { listen } = config.servers[kind]
    if (!listen) return () => undefined
    const type = `${kind}-server`
    const served = await serve(appOf(storage.servers[kind], { type, baseUrl: '' }), { ...listen, log: env.log })
    return () => served.close()
  }
  return {
    'swift-proxy-server': async () => () => undefined,
    'swift-account-server': server('account'),
    'swift-container-server': server('container'),
    'swift-object-server': server('object'),
    'swift-container-updater': async () => {
      const stopSoon = every(soonMs, () => reportChanged(storage, env.log), env)
      const stopLater = every(
        laterMs,
        async () => {
          for (const device of storage.deps.container.devices.all()) await reportContainers(storage, device, env.log)
        },
        env,
      )
      return async () => {
        await Promise.all([stopSoon(), stopLater()])
        await reportChanged(storage, env.log)
      }
    },
    'swift-object-updater': async () =>
      every(
        soonMs * 5,
        async () => {
          for (const device of storage.deps.object.devices.all()) await tellContainers(storage, device, config.policies)
        },
        env,
      ),
  }
}

/** Does `work` again and again, never twice at once, until it is stopped. */
function every(ms: number, work: () => Promise<void>, { log }: ServiceEnv): () => Promise<void> {
  let running = Promise.resolve()
  let isBusy = false
  const timer = setInterval(() => {
    if (isBusy) return
    isBusy = true
    running = work()
      .catch((error: unknown) => log.warn({ err: error }, 'an updater could not do its work; it tries again'))
      .finally(() => (isBusy = false))
  }, ms)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await running
  }
}
