/** How the processes of a cloud run Node. */
export const nodeFlags: readonly string[] = [
  '--disable-warning=ExperimentalWarning',
  // V8 would let the young generation grow to 64 MiB for a few percent of speed.
  '--max-semi-space-size=8',
]

/** glibc keeps an arena for each thread of the pool otherwise. */
export const frugal = { MALLOC_ARENA_MAX: '2' }
