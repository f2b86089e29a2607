/**
 * Turns for work of which only a few things can be done at once, asked for by anybody. Who asks stands in the line of his
 * address and in the line of his user; addresses and users take turns, so that a long line makes nobody else wait.
 */
export interface Asker {
  readonly address: string
  readonly user: string
}

export interface QueueLimits {
  /** Pieces of work that run side by side. */
  atOnce: number
  /** Waiting in all; then the longest line of an address loses its last. */
  waiting: number
  waitingOfAddress: number
  /** Of one user at one address: nobody can fill up the line of a user who is elsewhere. */
  waitingOfUser: number
}

/** No place in the queue: `busy` when the queue is full, `own` when the asker himself waits too often already. */
export class QueueFull extends Error {
  readonly why: 'busy' | 'own'
  constructor(why: 'busy' | 'own') {
    super(why === 'own' ? 'too many of the same wait already' : 'too many wait already')
    this.why = why
  }
}

interface Waiting extends Asker {
  start(): void
  refuse(error: QueueFull): void
}

export class FairQueue {
  readonly #limits: QueueLimits
  readonly #addresses = new Lines()
  readonly #users = new Lines()
  /** By user at an address. */
  readonly #pairs = new Lines()
  #running = 0
  #waiting = 0
  #turn = 0

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  /** Does `work` when its turn has come. Throws QueueFull when there is no place to wait. */
  async run<T>(asker: Asker, work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#limits.atOnce) this.#running++
    else await this.#wait(asker)
    try {
      return await work()
    } finally {
      const next = this.#next()
      if (next) next.start()
      else this.#running--
    }
  }

  #wait({ address, user }: Asker): Promise<void> {
    const { waiting, waitingOfAddress, waitingOfUser } = this.#limits
    const pair = pairOf({ address, user })
    if (this.#pairs.lengthOf(pair) >= waitingOfUser || this.#addresses.lengthOf(address) >= waitingOfAddress)
      return Promise.reject(new QueueFull('own'))
    if (this.#waiting >= waiting) {
      const longest = this.#addresses.longest()
      if (longest.length <= this.#addresses.lengthOf(address)) return Promise.reject(new QueueFull('busy'))
      const last = longest.at(-1)!
      this.#remove(last)
      last.refuse(new QueueFull('busy'))
    }
    return new Promise((start, refuse) => {
      const entry = { address, user, start, refuse }
      this.#addresses.add(address, entry)
      this.#users.add(user, entry)
      this.#pairs.add(pair, entry)
      this.#waiting++
    })
  }

  /** The next address and the next user choose in turn. */
  #next(): Waiting | undefined {
    const entry = (this.#turn++ % 2 === 0 ? this.#addresses : this.#users).first()
    if (entry) this.#remove(entry)
    return entry
  }

  #remove(entry: Waiting) {
    this.#addresses.remove(entry.address, entry)
    this.#users.remove(entry.user, entry)
    this.#pairs.remove(pairOf(entry), entry)
    this.#waiting--
  }
}

const pairOf = ({ address, user }: Asker) => `${address} ${user}`

/** Lines by name; one from which somebody left stands behind the others. */
class Lines {
  readonly #lines = new Map<string, Set<Waiting>>()

  add(name: string, entry: Waiting) {
    const line = this.#lines.get(name)
    if (line) line.add(entry)
    else this.#lines.set(name, new Set([entry]))
  }

  remove(name: string, entry: Waiting) {
    const line = this.#lines.get(name)
    if (!line?.delete(entry)) return
    this.#lines.delete(name)
    if (line.size > 0) this.#lines.set(name, line)
  }

  lengthOf(name: string): number {
    return this.#lines.get(name)?.size ?? 0
  }

  first(): Waiting | undefined {
    return this.#lines.values().next().value?.values().next().value
  }

  longest(): Waiting[] {
    let longest = new Set<Waiting>()
    for (const line of this.#lines.values()) if (line.size > longest.size) longest = line
    return [...longest]
  }
}
