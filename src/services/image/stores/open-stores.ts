import { join } from 'node:path'
import { ConfigError } from '../../../platform/config/config.ts'
import type { FenceRules } from '../../../platform/http/fence.ts'
import type { BackendConfig, ImageConfig } from '../config.ts'
import { FileStore } from './file.ts'
import { HttpStore } from './http.ts'
import type { ImageStore } from './store.ts'
import { Stores } from './stores.ts'
import { SwiftStore } from './swift.ts'

const mebibyte = 1024 * 1024

/** Makes the stores that the configuration names. Throws ConfigError. */
export function openStores(config: ImageConfig, stateDir: string, fence: FenceRules): Stores {
  const firstFile = config.backends.find((backend) => backend.type === 'file')
  const open = (backend: BackendConfig): ImageStore => {
    const { id, values } = backend
    const common = { id, description: values['store_description'] ?? '', weight: wholeNumber(backend, 'weight', 0) }
    switch (backend.type) {
      case 'file': {
        const own = backend === firstFile ? config.datadir || join(stateDir, 'images') : join(stateDir, 'stores', id)
        return new FileStore({ ...common, folder: values['filesystem_store_datadir'] || own })
      }
      case 'http':
        return new HttpStore({ ...common, fence })
      case 'swift':
        return openSwift(backend, common)
    }
  }
  const stores = config.backends.map(open)
  const firstWritable = stores.find((store) => !store.isReadOnly)
  const defaultId = config.defaultBackend || firstWritable?.id
  const found = stores.find((store) => store.id === defaultId)
  if (!found) throw new ConfigError(`[glance_store] default_backend: there is no store '${defaultId ?? ''}'`)
  return new Stores(stores, found.id)
}

function openSwift(backend: BackendConfig, common: { id: string; description: string; weight: number }): SwiftStore {
  const { id, values } = backend
  const need = (name: string): string => {
    if (!values[name]) throw new ConfigError(`[${id}] ${name} is missing: the swift store needs it`)
    return values[name]
  }
  const user = need('swift_store_user')
  if (!/^[^:]+:[^:]+$/.test(user)) throw new ConfigError(`[${id}] swift_store_user must be project:user`)
  return new SwiftStore({
    ...common,
    account: {
      authAddress: need('swift_store_auth_address'),
      user,
      key: need('swift_store_key'),
      userDomainId: values['swift_store_user_domain_id'] || 'default',
      projectDomainId: values['swift_store_project_domain_id'] || 'default',
      region: values['swift_store_region'] ?? '',
      endpoint: values['swift_store_endpoint'] ?? '',
    },
    container: values['swift_store_container'] || 'glance',
    createContainer: /^(true|1|yes|on)$/i.test(values['swift_store_create_container_on_put'] ?? ''),
    segmentSize: wholeNumber(backend, 'swift_store_large_object_chunk_size', 200) * mebibyte,
  })
}

function wholeNumber({ id, values }: BackendConfig, name: string, fallback: number): number {
  const text = values[name] || String(fallback)
  if (!/^\d+$/.test(text)) throw new ConfigError(`[${id}] ${name} = ${text}: must be a whole number`)
  return Number(text)
}
