import { route } from '../route.ts'
import { versions } from '../../versions.ts'
import { Type } from 'typebox'
import { cacheHeaders } from '../headers.ts'
import { closed, links } from '../schema.ts'

const version = Type.Object(
  { id: Type.String(), min_version: Type.String(), max_version: Type.String(), status: Type.String(), links },
  closed,
)
const versionsAnswer = Type.Object({ versions: Type.Array(version) }, closed)

/** What there is, told to anybody. */
export const showVersions = route({
  method: 'GET',
  path: '/',
  policy: null,
  auth: 'none',
  answer: { 200: versionsAnswer },
  handle: ({ version }) => ({
    status: 200,
    headers: cacheHeaders(version),
    body: {
      versions: [
        {
          id: `v${versions.min}`,
          min_version: versions.min,
          max_version: versions.max,
          status: 'CURRENT',
          links: [{ rel: 'self', href: '' }],
        },
      ],
    },
  }),
})
