import type { App } from '../../../platform/http/app.ts'
import type { RawResponse } from '../../../platform/http/message.ts'

/** The app with errors as a page for who asks for HTML and does not take JSON, as webob does it. */
export const withErrorPages = (app: App): App => ({
  ...app,
  async dispatch(request) {
    const answer = await app.dispatch(request)
    const accept = answer.status >= 400 ? (request.headers.accept ?? '') : ''
    return accept.includes('text/html') && !/\bjson\b|\*\/\*/.test(accept) ? asPage(answer) : answer
  },
})

function asPage(answer: RawResponse): RawResponse {
  const { errors } = answer.body as { errors: { status: number; title: string; detail: string }[] }
  const { status, title, detail } = errors[0]!
  const text = escape(detail).replaceAll('\n', '<br />')
  const name = `${status} ${escape(title)}`
  const body = `<html>\n <head>\n  <title>${name}</title>\n </head>\n <body>\n  <h1>${name}</h1>\n  ${text}\n </body>\n</html>`
  return { ...answer, headers: { ...answer.headers, 'Content-Type': 'text/html; charset=UTF-8' }, body }
}

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
