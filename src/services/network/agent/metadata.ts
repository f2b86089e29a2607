/** The metadata agent: hears guests in the namespaces of routers and DHCP, and asks nova in the name of the server. */
import { stat } from 'node:fs/promises'
import type { Server as HttpServer } from 'node:http'
import type { Server, Socket } from 'node:net'
import { tapName } from '../../../base/device-names.ts'
import { listenInNamespace } from '../../../host/netns.ts'
import { netnsName } from '../../../host/safe-text.ts'
import { isErrno } from '../../../host/process.ts'
import type { Secret } from '../../../platform/auth/secret.ts'
import type { Logger } from '../../../platform/log/log.ts'
import { binaries } from '../rpc/parts.ts'
import { attempt, type Round } from './context.ts'
import { metadataAddress } from './dhcp.ts'
import { dhcpNamespace, routerNamespace } from './names.ts'
import { metadataServer, type MetadataClient } from './metadata-http.ts'
import { metadataPort } from './nat.ts'

type Clients = ReadonlyMap<string, MetadataClient>
interface Listener {
  server: Server
  http: HttpServer
  /** Which namespace it listens in: one that was made anew has the same name. */
  inode: number
}

/** For each network or router: one tenant's guests cannot use up the agent's sockets. */
const connectionsAtMost = 256

/** Where nova tells metadata, and what proves that it is this agent that asks. */
export interface MetadataSource {
  url: string
  secret: Secret
}

export class MetadataProxy {
  readonly #source: MetadataSource
  readonly #log: Logger
  readonly #listeners = new Map<string, Listener>()
  #clients = new Map<string, Clients>()

  constructor(source: MetadataSource, log: Logger) {
    this.#source = source
    this.#log = log
  }

  async converge(round: Round): Promise<void> {
    const { routers, dhcp } = round.state
    const wanted = new Map<string, { address: string; port: number }>()
    const clients = new Map<string, Clients>()
    // With its cables a namespace comes and goes.
    const need = (portId: string) => round.needed.add(tapName(portId))
    for (const router of routers.filter(({ adminStateUp }) => adminStateUp)) {
      const netns = routerNamespace(router.id)
      for (const { portId } of router.interfaces) need(portId)
      wanted.set(netns, { address: '0.0.0.0', port: metadataPort })
      clients.set(netns, new Map(router.metadataClients.map(({ ip, ...client }) => [ip, client])))
    }
    for (const { networkId, port, hosts } of dhcp.filter(({ servesMetadata }) => servesMetadata)) {
      const netns = dhcpNamespace(networkId)
      need(port.id)
      wanted.set(netns, { address: metadataAddress, port: 80 })
      clients.set(netns, new Map(hosts.flatMap((host) => host.addresses.map(({ ip }) => [ip, host] as const))))
    }
    this.#clients = clients
    for (const netns of this.#listeners.keys()) if (!wanted.has(netns)) this.#close(netns)
    for (const [netns, where] of wanted) {
      await attempt(round, { what: netns }, async () => {
        const ino = await inodeOf(netns)
        if (this.#listeners.get(netns)?.inode === ino) return
        this.#close(netns)
        await this.#listen(netns, where, ino)
      })
    }
  }

  stop(): void {
    for (const netns of this.#listeners.keys()) this.#close(netns)
  }

  async #listen(netns: string, where: { address: string; port: number }, inode: number): Promise<void> {
    const clientOf = (address: string) => this.#clients.get(netns)?.get(address)
    const { url, secret } = this.#source
    const http = metadataServer({ metadataUrl: url, metadataSecret: secret, log: this.#log, clientOf })
    const onConnection = (socket: Socket) => void http.emit('connection', socket)
    const server = await listenInNamespace({ netns, ...where, onConnection })
    server.maxConnections = connectionsAtMost
    this.#listeners.set(netns, { http, server, inode })
  }

  #close(netns: string): void {
    const listener = this.#listeners.get(netns)
    this.#listeners.delete(netns)
    listener?.server.close()
    listener?.http.closeAllConnections()
    listener?.http.close()
  }
}

async function inodeOf(netns: string): Promise<number> {
  try {
    return (await stat(`/run/netns/${netnsName(netns)}`)).ino
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    throw new Error(`it is not there; ${binaries.dhcp} or ${binaries.l3} makes it`, { cause: error })
  }
}
