import { route } from '../route.ts'
import { versions } from '../../versions.ts'
import { cacheHeaders } from '../headers.ts'

/** What there is, told to anybody. */
export const showVersions = route({
  method: 'GET',
  path: '/',
  policy: null,
  auth: 'none',
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
