import { eventually, type Api } from '../test/api.ts'

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
  await eventually('the server is ACTIVE', async () => {
    const { body } = await demo.call<{ server: { status: string } }>(
      'compute',
      'GET',
      `/v2.1/servers/${created.body.server.id}`,
    )
    if (body.server.status === 'ERROR') throw new Error('the server is in ERROR')
    return body.server.status === 'ACTIVE'
  })
}
