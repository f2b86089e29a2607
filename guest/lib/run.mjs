import { spawn } from 'node:child_process'

// The tools of a build live partly in sbin, which only root has in its PATH.
export const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LC_ALL: 'C' }

/** Runs a command and returns its standard output; what it says on standard error is in the error when it fails. */
export function run(command, args, { input, cwd } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
    const out = []
    const err = []
    child.stdout.on('data', (chunk) => out.push(chunk))
    child.stderr.on('data', (chunk) => err.push(chunk))
    // A command that fails early closes its input; its exit status tells why.
    child.stdin.on('error', () => {})
    child.on('error', (cause) => reject(new Error(`cannot start ${command}`, { cause })))
    child.on('close', (status, signal) => {
      if (status === 0) return resolve(Buffer.concat(out))
      const said = Buffer.concat(err).toString().trim()
      reject(new Error(`${command} ${args.join(' ')}: ${signal ?? `status ${status}`}: ${said}`))
    })
    child.stdin.end(input)
  })
}

export const runText = async (command, args, options) => (await run(command, args, options)).toString()
