import type { App } from '../../../platform/http/app.ts'

/** `/networks.json` is `/networks`, and so is every other path: clients of the first years say what they want to read. */
export const withJsonPaths = (app: App): App => ({
  ...app,
  dispatch: (request) => app.dispatch({ ...request, url: request.url.replace(/^([^?#]+)\.json(?=[?#]|$)/, '$1') }),
})
