/** The console page: noVNC's RFB client over the whole window. The address carries `path=?token=…`, as nova's does. */
const html = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>noVNC</title>
<style>html,body{margin:0;height:100%;background:#222;color:#eee;font:14px sans-serif}#screen{height:100%}#state{position:fixed;padding:6px}</style>
</head>
<body><div id="state">Connecting</div><div id="screen"></div><script type="module" src="console.js"></script></body>
</html>
`

const script = `import RFB from './core/rfb.js'
const state = document.getElementById('state')
const query = new URLSearchParams(location.search)
const inner = new URLSearchParams((query.get('path') ?? '').split('?')[1] ?? '')
const token = query.get('token') ?? inner.get('token') ?? ''
const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
const rfb = new RFB(document.getElementById('screen'), scheme + '://' + location.host + '/?token=' + encodeURIComponent(token))
rfb.scaleViewport = true
rfb.addEventListener('connect', () => { state.textContent = '' })
rfb.addEventListener('disconnect', () => { state.textContent = 'The console is closed: the server is not running or the address has expired.' })
`

export const consolePage = {
  html,
  script,
  policy:
    "default-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'self'",
}
