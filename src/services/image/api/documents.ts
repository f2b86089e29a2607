/** The versions, for who has no token yet. */
import { route } from './route.ts'

const minors = [17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]

const versions = (status: number, path: string) =>
  route({
    method: 'GET',
    path,
    policy: null,
    auth: 'none',
    handle: ({ baseUrl }) => ({
      status,
      body: {
        versions: minors.map((minor, index) => ({
          id: `v2.${minor}`,
          status: index === 0 ? 'CURRENT' : 'SUPPORTED',
          links: [{ rel: 'self', href: `${baseUrl}/v2/` }],
        })),
      },
    }),
  })

export const rootRoutes = [versions(300, '/'), versions(200, '/versions')]
