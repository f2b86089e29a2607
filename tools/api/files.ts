/** The files that are made from the route tables, by their paths below the repository. */
import { formatJson } from './json.ts'
import { markdownOf } from './markdown.ts'
import { openApiOf } from './openapi.ts'
import { apiServices } from './services.ts'

export const generatedFiles = (): ReadonlyMap<string, string> =>
  new Map(
    apiServices.flatMap((service): [string, string][] => {
      const { type } = service.definition
      return [
        [`openapi/${type}.json`, `${formatJson(openApiOf(service))}\n`],
        [`docs/api/${type}.md`, markdownOf(service)],
      ]
    }),
  )
