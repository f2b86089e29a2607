import { Invalid } from '../../../platform/errors.ts'
import { reasonOf } from '../../../platform/http/errors.ts'
import type { ApiDefinition } from '../../../platform/http/service.ts'

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

export const definition: ApiDefinition = {
  type: 'image',
  basePaths: ['/v2'],
  hasStrictPaths: true,
  envelopeType: 'text/html; charset=UTF-8',
  // Glance answers errors as pages, which its clients take the message from.
  envelope: ({ status, message }) =>
    `<html>\n <head>\n  <title>${status} ${reasonOf(status)}</title>\n </head>\n <body>\n  <h1>${status} ${reasonOf(status)}</h1>\n  ${escape(message)}<br /><br />\n\n\n </body>\n</html>`,
  invalid: ({ path, message }) =>
    new Invalid(
      `Provided object does not match schema 'image': ${message}${path.length > 0 ? ` for property ${path.join('.')}` : ''}`,
    ),
}
