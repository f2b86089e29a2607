/**
 * Nova's or neutron's control plane as a process of its own, for tests that kill it: beside others on one database. Prints
 * the port where it takes requests as `Request`. Arguments: compute|network FOLDER HOST, and for compute the address of
 * the services around it.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { LocalBus } from '../../src/platform/rpc/local-bus.ts'
import { FakeAgent, TestCloud } from '../../src/services/compute/testing/cloud.ts'
import { createTestNetwork } from '../../src/services/network/testing/service.ts'

/** What is asked of a process. */
export interface Request {
  who: string
  method: string
  path: string
  json?: unknown
}

export interface Answer {
  status: number
  body: Record<string, unknown>
}

/** A call of something that lives in the test. */
export interface FarCall {
  object: string
  method: string
  args: unknown[]
}

export const agentHosts = ['h1', 'h2', 'h3']

type Ask = (request: Request) => Promise<Answer>

async function compute(folder: string, host: string, around: string): Promise<Ask> {
  const far = <T extends object>(object: string): T =>
    new Proxy({} as T, {
      get:
        (_, method) =>
        async (...args: unknown[]) => {
          const call = { object, method: String(method), args } satisfies FarCall
          const answer = await fetch(around, { method: 'POST', body: JSON.stringify(call) })
          const { value, error } = (await answer.json()) as { value?: unknown; error?: string }
          if (error !== undefined) throw new Error(error)
          return value
        },
    })
  const cloud = new TestCloud({
    folder,
    placement: far('placement'),
    network: far('network'),
    securityGroups: far('securityGroups'),
  })
  const service = await cloud.startAnother(host)
  for (const name of agentHosts) await new FakeAgent(cloud.bus, name).heartbeat()
  return async ({ who, method, path, json }) =>
    (await cloud.call(who, method, path, json, '2.96', service)) as unknown as Answer
}

async function network(folder: string, host: string): Promise<Ask> {
  const databaseUrl = `sqlite:///${folder}/network.db`
  const net = await createTestNetwork('', agentHosts, { bus: new LocalBus(), databaseUrl, host })
  return async ({ who, method, path, json }) => net.send(who, method, path, json)
}

if (import.meta.main) {
  const [service = '', folder = '', host = '', around = ''] = process.argv.slice(2)
  const ask = await (service === 'compute' ? compute(folder, host, around) : network(folder, host))
  const server = createServer((request, response) => {
    void text(request)
      .then((body) => ask(JSON.parse(body) as Request))
      .then(({ status, body }) => response.end(JSON.stringify({ status, body })))
  })
  server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port))
}
