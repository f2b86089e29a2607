import { defineService } from '../../platform/service.ts'

const cacheCommands = () => import('./manage/cache.ts')
const commands = () => import('./manage/commands.ts')

/** Glance: images. */
export const image = defineService({
  type: 'image',
  codeName: 'glance',
  user: 'glance',
  endpointPath: '',
  ports: { image: { standard: 9292, offset: 1 } },
  files: {
    own: ['glance-api.conf'],
    others: ['glance-registry.conf', 'glance-scrubber.conf', 'glance-cache.conf'],
  },
  folderOptions: ['filesystem_store_datadir', 'filesystem_store_datadirs', 'node_staging_uri', 'image_cache_dir'],
  roles: { 'glance-api': { kind: 'control', port: 'image', isApi: true } },
  programs: {
    'glance-manage': { load: async () => (await commands()).glanceManage },
    'glance-scrubber': { load: async () => (await commands()).glanceScrubber, only: 'run' },
    'glance-cache-manage': { load: async () => (await cacheCommands()).glanceCacheManage },
    'glance-cache-prefetcher': { load: async () => (await cacheCommands()).glanceCachePrefetcher, only: 'run' },
    'glance-cache-pruner': { load: async () => (await cacheCommands()).glanceCachePruner, only: 'run' },
    'glance-cache-cleaner': { load: async () => (await cacheCommands()).glanceCacheCleaner, only: 'run' },
  },
  checkConfig: async (files) => void (await import('./config.ts')).readImageConfig(files),
  migrations: async () => (await import('./open.ts')).migrations,
  open: async (env) => (await import('./roles.ts')).openImageService(env),
})
