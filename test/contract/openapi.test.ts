/** Holds each service to the OpenAPI description of the real one. */
import { apiServices } from '../../tools/api/services.ts'
import { exceptions } from './exceptions.ts'
import { testOpenApi } from './openapi.ts'

/** Upstream's description of a service, by the service's type. */
const files: Readonly<Record<string, string>> = {
  compute: 'compute-v2.96.yaml',
  identity: 'identity-v3.14.yaml',
  image: 'image-v2.16.yaml',
  network: 'network-v2.yaml',
  placement: 'placement-v1.yaml',
}

for (const service of apiServices) {
  const { type } = service.definition
  testOpenApi(files[type]!, service, exceptions[type] ?? [])
}
