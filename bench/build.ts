import { setTimeout as sleep } from 'node:timers/promises'
import type { Api } from '../test/api.ts'

/** Seldom enough that looking costs little, often enough that it does not tell its own pace. */
const lookMs = 4

/** A server from POST to ACTIVE. */
export async function build(
  demo: Api,
  imageRef: string,
  networks: 'none' | readonly { uuid: string }[],
): Promise<void> {
  const server = { name: 'bench', flavorRef: '42', imageRef, networks }
  const created = await demo.call<{ server: { id: string } }>(
    'compute',
    'POST',
    '/v2.1/servers',
    { server },
    { 'OpenStack-API-Version': 'compute 2.60' },
  )
  if (created.status !== 202)
    throw new Error(`server create answered ${created.status}: ${JSON.stringify(created.body)}`)
  const path = `/v2.1/servers/${created.body.server.id}`
  for (;;) {
    const { body } = await demo.call<{ server: { status: string } }>('compute', 'GET', path)
    if (body.server.status === 'ERROR') throw new Error('the server is in ERROR')
    if (body.server.status === 'ACTIVE') return
    await sleep(lookMs)
  }
}
