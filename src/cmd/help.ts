export const help = `nephos: OpenStack in one program

Usage: nephos COMMAND [OPTIONS]

Commands
  up            start the cloud and stay in the foreground; Ctrl-C stops it and leaves guests running
  run ROLE...   run these roles in a process of their own, beside others of the same --state-dir, e.g.
                nova-conductor; a wrong name lists them all
  down          stop the cloud, its guests, and remove every device and namespace that it made
  status        show each role: up or not, since when, its last error
  explain ID    tell the story of a server or port: steps, durations, reasons
  guests        list guests that no server of the database stands for: they run on until you decide
  guests adopt ID...    such a guest is that of the server with its id, on the host where it is
  guests remove ID...   end such guests and remove their disks
  host          list hosts that wait for you: renamed, of another control plane, two of one name
  host accept NAME      take such a host as it is now
  backup TO     copy the control plane, running or not, to a new directory or a .tar(.gz): databases of one
                moment, settings, secrets, keys, images; guests' disks are not included
  restore FROM  put such a copy in the place of a control plane that is stopped; what it replaces is kept
  guest-image   build the tiny guest image
  keystone-manage COMMAND
                what keystone's own program does; --help tells more
  glance-manage COMMAND, glance-scrubber, glance-cache-manage COMMAND,
  glance-cache-cleaner, glance-cache-pruner, glance-cache-prefetcher
                the same of glance
  placement-manage COMMAND, placement-status COMMAND
                the same of placement
  swift-ring-builder FILE [COMMAND ...]
                makes and changes the rings of object storage

Options
  --state-dir DIR      everything the cloud keeps (default: /var/lib/nephos/NAME)
  --name NAME          name of the cloud (default: nephos); devices and folders derive from it
  --port-base N        move all ports together: identity N, image N+1, placement N+2, compute N+3,
                       metadata N+4, novncproxy N+5, network N+6, metrics N+7,
                       identity's alias 35357 N+8, object-store N+9
  --bind ADDR          address of the APIs (default: 127.0.0.1)
  --bind-internal ADDR address of metadata and metrics, which users need not reach (default: 127.0.0.1)
  --provider-cidr CIDR the external network; this host has its first address
  --user NAME          who the control plane runs as where root starts it (default: nephos, which is made)
  --detach             return when every API answers
  --fake               fake compute driver and no data plane; needs no root
  --compute-hosts N    with --fake: how many compute hosts (default: 1)
  --no-install         fail with the list of what is missing instead of installing it
  --periodics          with status: also all work that comes back by itself: last, next, by whom, its error
  --json               with status, explain, guests and host: print JSON
  --version            print the version of this program
  -h, --help           print this
`
