// Debian packages that the whole test suite needs: what the cloud runs, what builds the guest image, and real clients.
import { packages as guest } from '../guest/build.mjs'

const cloud = [
  'qemu-system-x86',
  'qemu-utils',
  'dnsmasq-base',
  'dnsmasq-utils',
  'nftables',
  'iproute2',
  'genisoimage',
  'util-linux',
  'procps',
]
const clients = [
  'python3-openstackclient',
  'python3-glanceclient',
  'python3-novaclient',
  'python3-neutronclient',
  'python3-osc-placement',
  'openssh-client',
  'iputils-ping',
  'busybox-static',
  'curl',
  'mariadb-server',
  'tempest',
  'keystone-tempest-plugin',
  'neutron-tempest-plugin',
  'python3-keystonemiddleware',
  'python3-swift',
  'slapd',
  'ldap-utils',
  'xmlsec1',
  'openssl',
  'cloud-init',
  'dosfstools',
  'mtools',
  'ovmf',
]

export const packages = [...new Set([...cloud, ...guest, ...clients])].sort()
