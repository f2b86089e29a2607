/**
 * The age of times that were written by the wall clock, also when that clock was set meanwhile: a clock that jumps two
 * hours ahead makes nothing two hours older. Each jump begins a segment, in which wall and steady clock go together.
 */
interface Segment {
  /** Both clocks at its beginning, in ms. */
  wall: number
  steady: number
}

/** Less than this is a clock that is being corrected, not one that was set. */
const jumpMs = 1000
const mostSegments = 20

export class SettableClock {
  readonly #wall: () => number
  readonly #steady: () => number
  /** Newest first. */
  readonly #segments: Segment[]

  constructor(wall: () => number, steady: () => number) {
    this.#wall = wall
    this.#steady = steady
    this.#segments = [{ wall: wall(), steady: steady() }]
  }

  /** How long ago the wall clock showed `time`, in ms; 0 for times that it did not show yet. */
  ageOf(time: number): number {
    const now = this.#look()
    for (const [index, segment] of this.#segments.entries()) {
      const shown = segment.steady + (time - segment.wall)
      const isOldest = index === this.#segments.length - 1
      if ((time >= segment.wall || isOldest) && shown <= now) return now - shown
    }
    return 0
  }

  /** What the wall clock showed `ms` ago. */
  timeAgo(ms: number): number {
    const then = this.#look() - ms
    const segment = this.#segments.find((each) => each.steady <= then) ?? this.#segments.at(-1)!
    return segment.wall + (then - segment.steady)
  }

  /** Notes a jump since the last look; the steady time. */
  #look(): number {
    const steady = this.#steady()
    const wall = this.#wall()
    const [newest] = this.#segments
    const jump = wall - newest!.wall - (steady - newest!.steady)
    if (Math.abs(jump) > jumpMs) {
      this.#segments.unshift({ wall, steady })
      this.#segments.splice(mostSegments)
    }
    return steady
  }
}

const clock = new SettableClock(
  () => Date.now(),
  () => performance.now(),
)
// A jump is noticed soon after it, not when somebody asks for an age the next time.
setInterval(() => clock.ageOf(0), 1000).unref()

/** How long ago the clock of this machine showed `time`, in ms. */
export const ageOf = (time: number): number => clock.ageOf(time)

/** What the clock of this machine showed `ms` ago. */
export const timeAgo = (ms: number): number => clock.timeAgo(ms)
