/** Names that two services must agree on: nova makes a port's tap, neutron's agents wire it. */

/** As in OpenStack: interface names have 15 characters, so ids are cut to 11. */
export const shortId = (id: string): string => id.slice(0, 11)

/** The device of a port on its host, between guest or namespace and bridge. */
export const tapName = (portId: string): string => `tap${shortId(portId)}`
