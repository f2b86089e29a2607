/** Glance as a process of its own on a folder, for tests that kill it. Prints its port. Arguments: FOLDER CONFIG. */
import { createLogger } from '../../src/platform/log/log.ts'
import { serve } from '../../src/platform/http/server.ts'
import { startImage } from '../../src/services/image/testing/image.ts'

const [folder = '', config = ''] = process.argv.slice(2)
const resources = ['image_size_total', 'image_stage_total', 'image_count_total', 'image_count_uploading']
const limits = resources.map((resource_name) => ({ resource_name, region_id: null, default_limit: 1_000_000 }))
const glance = await startImage({
  folder,
  config,
  others: {
    identity: {
      send: ({ path }) =>
        Promise.resolve({
          status: 200,
          headers: {},
          body: path.startsWith('/v3/services')
            ? { services: [{ id: 'glance', type: 'image' }] }
            : { registered_limits: limits, limits: [] },
        }),
    },
  },
})
const server = await serve(glance.app, {
  host: '127.0.0.1',
  port: 0,
  log: createLogger({ name: 'test', level: 'silent' }),
})
console.log(server.port)
