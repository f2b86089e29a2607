import type { Transport } from '../platform/http/client.ts'
import { ServiceClient } from '../platform/http/client.ts'

export interface Login {
  user: string
  password: string
  project: string
}

/** A token of a user in a project of the Default domain. */
export async function login(identity: Transport, { user, password, project }: Login): Promise<string> {
  const domain = { name: 'Default' }
  const response = await identity.send({
    method: 'POST',
    path: '/v3/auth/tokens',
    json: {
      auth: {
        identity: { methods: ['password'], password: { user: { name: user, domain, password } } },
        scope: { project: { name: project, domain } },
      },
    },
  })
  if (response.status !== 201) throw new Error(`${user} cannot log in: identity answered ${response.status}`)
  return response.headers['x-subject-token'] ?? ''
}

/** Clients of every service as one user, by service type. */
export async function clientsOf(
  connect: (type: string) => Transport,
  who: Login,
): Promise<(type: string) => ServiceClient> {
  const token = await login(connect('identity'), who)
  return (type) => new ServiceClient(type, connect(type), () => Promise.resolve(token))
}
