/** The page that takes a browser and its new token back to the dashboard that sent it. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Misconfigured } from '../../errors.ts'

const submit = "window.onload = function () { document.forms['sso'].submit() }"

const builtIn = `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Signing in</title>
  </head>
  <body>
    <form id="sso" name="sso" action="$host" method="post">
      Please wait...
      <input type="hidden" name="token" id="token" value="$token">
      <noscript><input type="submit" value="Continue"></noscript>
    </form>
    <script>${submit}</script>
  </body>
</html>
`

const onlyOwnScript = `default-src 'none'; frame-ancestors 'none'; script-src 'sha256-${createHash('sha256').update(submit).digest('base64')}'`

/** Answers with `$host` and `$token` filled into `[federation] sso_callback_template`, or into the built-in page. */
export function answerSsoPage(file: string, values: { host: string; token: string }) {
  const text = file === '' ? builtIn : readTemplate(file)
  const headers: Record<string, string> = {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    ...(file === '' && { 'Content-Security-Policy': onlyOwnScript }),
  }
  return { status: 200 as const, headers, body: fill(text, values) }
}

function readTemplate(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Misconfigured('The file of [federation] sso_callback_template cannot be read.', cause)
  }
}

/** As Python's `string.Template`: `$name` and `${name}` are filled in, `$$` is a dollar. */
function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$(?:\$|\{?(host|token)\b\}?)/g, (whole, name: string | undefined) =>
    whole === '$$' ? '$' : name === undefined ? whole : escapeHtml(values[name] ?? ''),
  )
}

const escapeHtml = (value: string): string => value.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
