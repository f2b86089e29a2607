# Already loaded modules are refused: a stage may have been loaded before.
load() { for file in /lib/modules/"$1"/*.ko; do insmod "$file" 2>/dev/null; done; }

# Centiseconds since boot in $time: `read` is a builtin, `date` would be a fork.
now() {
  read -r time _ </proc/uptime
  time=${time%.*}${time#*.}
}

# What the login prompt shows first, on every console; getty expands \n and the like itself.
describe() {
  {
    echo
    echo '=== system information ==='
    echo "instance-id: ${instance_id:-none}"
    echo "hostname: $(hostname)"
    echo "metadata: ${source:-none}"
    echo '=== network addresses ==='
    ip -o addr show | while read -r _ name family address _; do
      case $name$family in lo*) ;; *inet | *inet6) echo "$name $family $address" ;; esac
    done
    ip route show | while read -r route; do echo "route $route"; done
    echo
    echo "log in as 'cirros' with password 'gocubsgo' (or the server's admin password), 'sudo' makes you root"
  } >/run/issue.new
  mv /run/issue.new /run/issue
}
