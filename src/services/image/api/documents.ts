/** The versions, for who has no token yet. */
import { Type } from 'typebox'
import { exactly } from '../../../platform/http/answers.ts'
import { route } from './route.ts'

const minors = [17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]

const link = exactly({ rel: Type.String(), href: Type.String() })
const version = exactly({ id: Type.String(), status: Type.String(), links: Type.Array(link) })
const answer = exactly({ versions: Type.Array(version) })

const versions = (status: 200 | 300, path: string) =>
  route({
    method: 'GET',
    path,
    policy: null,
    auth: 'none',
    answer: { 200: answer, 300: answer },
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
