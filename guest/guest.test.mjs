/* oxlint-disable unicorn/no-useless-spread -- a spread is a line of options that belong together */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { buildGuestImage, packages } from './build.mjs'
import { missingPackages } from './lib/packages.mjs'
import { env, run, runText } from './lib/run.mjs'

const folder = fileURLToPath(new URL('.', import.meta.url))
const scripts = [
  'initrd/init',
  ...['rc', 'dhcp', 'udhcpc', 'hotplug', 'late-metadata', 'acpi/PWRF/00000080'].map((name) => `root/etc/${name}`),
  ...['common.sh', 'metadata.sh'].map((name) => `root/usr/lib/guest/${name}`),
]

for (const script of scripts) test(`${script} is valid shell`, () => run('sh', ['-n', join(folder, script)]))

test('the Debian packages a build needs are listed', () => {
  assert.ok(packages.includes('syslinux') && packages.length > 5)
})

const whyNot = await whyNoBoots()
if (whyNot) console.log(`SKIPPED: the guest is not booted: ${whyNot}`)

describe('a booted guest', { skip: whyNot, timeout: 400_000 }, () => {
  const ns = `guest-test-${process.pid}`
  const inside = (...command) => ['ip', ['netns', 'exec', ns, ...command]]
  let work
  let image
  let key
  const children = []

  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'guest-test-'))
    image = await buildGuestImage()
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(work, 'key')])
    key = await readFile(join(work, 'key.pub'), 'utf8')
    await run('ip', ['netns', 'add', ns])
    for (const command of [
      'link set lo up',
      'tuntap add dev tap0 mode tap',
      'addr add 10.9.0.1/24 dev tap0',
      'addr add 169.254.169.254/32 dev lo',
      'link set tap0 up',
    ])
      await run('ip', ['-n', ns, ...command.split(' ')])
    start(
      ...inside(
        ...['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--user=root', '--interface=tap0'],
        ...['--bind-dynamic', '--no-ping', '--dhcp-range=10.9.0.50,10.9.0.50', '--dhcp-option=26,1400', '--pid-file='],
        ...['--dhcp-option=121,169.254.169.254/32,10.9.0.1,10.77.0.0/16,10.9.0.1,0.0.0.0/0,10.9.0.1'],
        `--dhcp-leasefile=${join(work, 'leases')}`,
      ),
    )
  })

  after(async () => {
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(children.map((child) => child.ended))
    await run('ip', ['netns', 'delete', ns])
    await rm(work, { recursive: true, force: true })
  })

  test('q35: takes its configuration from a config drive', async () => {
    const drive = join(work, 'drive/openstack/latest')
    await mkdir(drive, { recursive: true })
    const metadata = metadataOf('drive-1', 'from-drive', { admin_pass: 'Pa$$ "w\\rd' })
    await writeFile(join(drive, 'meta_data.json'), metadata)
    await writeFile(join(drive, 'user_data'), '#!/bin/sh\necho "user data of $(hostname) runs"\n')
    const iso = join(work, 'drive.iso')
    await run('genisoimage', ['-quiet', '-J', '-r', '-V', 'config-2', '-o', iso, join(work, 'drive')])
    const guest = await boot('q35', ['-drive', `file=${iso},if=virtio,format=raw,readonly=on`])
    await guest.says('user data of from-drive runs')
    await guest.says('from-drive login:')
    assert.match(guest.console(), /metadata: source=config-drive instance-id=drive-1 hostname=from-drive keys=1/)
    assert.match(guest.console(), /eth0 inet 10\.9\.0\.50\/24/)
    assert.equal(await ssh('hostname'), 'from-drive')
    guest.type('cirros\n')
    await guest.says('Password:')
    guest.type('Pa$$ "w\\rd\n')
    await guest.says('$ ')
    guest.type('sudo id -un; echo "sum $((40 + 2))"\n')
    await guest.says('sum 42')
    assert.match(guest.console(), /^root\r?$/m)
    await guest.powerButton()
  })

  test('pc: takes its configuration from the metadata service', async () => {
    const answers = {
      '/openstack/latest/meta_data.json': metadataOf('http-1', 'from-http.novalocal'),
      '/openstack/latest/user_data': '#!/bin/sh\necho "script as $(whoami)"\n',
    }
    const server = start(...inside(process.execPath, join(folder, 'fake-metadata.mjs'), JSON.stringify(answers)))
    await server.says('listening')
    const guest = await boot('pc', [])
    await guest.says('script as root')
    await guest.says('from-http login:')
    assert.match(guest.console(), /metadata: source=metadata-service instance-id=http-1 hostname=from-http keys=1/)
    assert.equal(await ssh('wget -qO- http://169.254.169.254/openstack/latest/user_data | head -n1'), '#!/bin/sh')
    assert.equal(await ssh('cat /sys/class/net/eth0/mtu'), '1400')
    assert.match(await ssh('ip route'), /10\.77\.0\.0\/16 via 10\.9\.0\.1/)
    assert.match(await ssh('ping -c 1 -w 5 10.9.0.1'), / 0% packet loss/)
    assert.equal(await ssh('sudo id -un'), 'root')
    assert.equal(await ssh('echo $PATH; command -v resize2fs'), '/sbin:/usr/sbin:/bin:/usr/bin\n/usr/sbin/resize2fs')
    assert.equal(await ssh('sudo ip -o link show lo | cut -d: -f2'), 'lo')
    await writeFile(join(work, 'sent'), 'over sftp and back')
    for (const protocol of [[], ['-O']]) {
      await scp(protocol, join(work, 'sent'), 'cirros@10.9.0.50:there')
      await scp(protocol, 'cirros@10.9.0.50:there', join(work, 'back'))
      assert.equal(await readFile(join(work, 'back'), 'utf8'), 'over sftp and back')
      await ssh('rm there')
    }
    const kib = await ssh(
      'until [ "$(df -k / | tail -n1 | tr -s " " | cut -d" " -f2)" -gt 900000 ]; do sleep 1; done; echo grown',
    )
    assert.equal(kib, 'grown')
    await guest.powerButton()
  })

  function metadataOf(uuid, hostname, more = {}) {
    return JSON.stringify({ uuid, hostname, meta: { hostname: 'wrong' }, public_keys: { mine: key }, ...more })
  }

  function start(command, args) {
    const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] })
    let text = ''
    const listeners = new Set()
    const tell = (chunk) => {
      text += chunk
      for (const listener of listeners) listener()
    }
    child.stdout.on('data', tell)
    child.stderr.on('data', tell)
    child.stdin.on('error', () => {})
    child.ended = new Promise((resolve) => child.once('close', resolve))
    child.text = () => text
    child.says = (line) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => end(new Error(`120 s without "${line}":\n${text}`)), 120_000)
        const end = (error) => {
          clearTimeout(timer)
          listeners.delete(check)
          if (error) reject(error)
          else resolve()
        }
        const check = () => text.includes(line) && end()
        listeners.add(check)
        child.ended.then(() => end(new Error(`${command} ended without "${line}":\n${text}`)))
        check()
      })
    children.push(child)
    return child
  }

  async function boot(machine, more) {
    const disk = join(work, `${machine}.qcow2`)
    const monitor = join(work, `${machine}.monitor`)
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', image, '-F', 'qcow2', disk, '1G'])
    const began = Date.now()
    const child = start(
      ...inside(
        ...['qemu-system-x86_64', '-machine', machine, '-accel', 'tcg', '-cpu', 'qemu64', '-m', '160', '-nodefaults'],
        ...['-no-reboot', '-display', 'none', '-drive', `file=${disk},if=virtio`, '-device', 'virtio-rng-pci'],
        ...['-netdev', 'tap,id=net,ifname=tap0,script=no,downscript=no'],
        ...['-device', 'virtio-net-pci,netdev=net,romfile=', '-serial', 'stdio'],
        ...['-monitor', `unix:${monitor},server=on,wait=off`, ...more],
      ),
    )
    child.says('login:').then(
      async () => {
        const fields = (await readFile(`/proc/${child.pid}/stat`, 'utf8')).split(' ')
        const cpu = (Number(fields[13]) + Number(fields[14])) / 100
        console.log(`${machine}: login after ${(Date.now() - began) / 1000} s, ${cpu} s of CPU`)
      },
      () => {},
    )
    return {
      console: child.text,
      says: child.says,
      type: (text) => child.stdin.write(text),
      async powerButton() {
        connect(monitor).end('system_powerdown\n').resume()
        const late = new Promise((resolve) => setTimeout(resolve, 60_000, 'still running').unref())
        assert.equal(await Promise.race([child.ended, late]), 0, child.text())
      },
    }
  }

  /** The server starts behind the prompt. */
  function options() {
    const words = ['BatchMode=yes', 'StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR']
    words.push('ConnectionAttempts=30', 'ConnectTimeout=30')
    return ['-i', join(work, 'key'), ...words.flatMap((word) => ['-o', word])]
  }

  async function ssh(command) {
    const [program, args] = inside('ssh', ...options(), 'cirros@10.9.0.50', command)
    return (await runText(program, args)).trim()
  }

  async function scp(protocol, from, to) {
    const [program, args] = inside('scp', '-q', ...protocol, ...options(), from, to)
    await run(program, args)
  }
})

async function whyNoBoots() {
  if (process.getuid() !== 0) return 'needs root for a network namespace'
  const missing = await missingPackages()
  if (missing.length > 0) return `needs packages to build the image: ${missing.join(' ')}`
  for (const command of ['qemu-system-x86_64', 'dnsmasq', 'genisoimage', 'ssh', 'ip'])
    if (!(await run('which', [command]).then(Boolean, () => false))) return `needs ${command}`
  if (!(await stat('/dev/net/tun').catch(() => null))) return 'needs /dev/net/tun'
  return false
}
