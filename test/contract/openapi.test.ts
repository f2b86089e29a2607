/** Holds each service to the OpenAPI description of the real one. */
import { apiServices } from '../../tools/api/services.ts'
import { exceptions } from './exceptions.ts'
import { testOpenApi } from './openapi.ts'

for (const service of apiServices) testOpenApi(service, exceptions[service.definition.type] ?? [])
