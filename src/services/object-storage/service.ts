import { defineService } from '../../platform/service.ts'

/** Swift: objects in containers in accounts. */
export const objectStorage = defineService({
  type: 'object-store',
  codeName: 'swift',
  user: 'swift',
  endpointPath: '/v1/AUTH_%(project_id)s',
  ports: { 'object-store': { standard: 8080, offset: 9 } },
  files: {
    own: ['swift.conf', 'proxy-server.conf', 'account-server.conf', 'container-server.conf', 'object-server.conf'],
    others: [
      'object-expirer.conf',
      'container-reconciler.conf',
      'internal-client.conf',
      'container-sync-realms.conf',
      'memcache.conf',
    ],
  },
  roles: {
    'swift-proxy-server': { kind: 'control', port: 'object-store', isApi: true },
    'swift-account-server': { kind: 'control' },
    'swift-container-server': { kind: 'control' },
    'swift-object-server': { kind: 'control' },
    'swift-container-updater': { kind: 'control' },
    'swift-object-updater': { kind: 'control' },
  },
  programs: {
    'swift-ring-builder': {
      load: async () => (await import('./manage/ring-builder/program.ts')).swiftRingBuilder,
      only: 'run',
    },
  },
  checkConfig: async (files) => void (await import('./config/config.ts')).readSwiftConfig(files),
  migrations: async () => [],
  open: async (env) => (await import('./roles.ts')).openSwiftService(env),
})
