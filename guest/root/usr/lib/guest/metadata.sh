# Metadata: read it (config drive, else the service in OpenStack's format, else in EC2's), then apply it.
# Both readers leave files in $data: `values` as path<TAB>value lines, and perhaps `user_data`.
data=/run/metadata
service=http://169.254.169.254
source=

config_drive() {
  # No block device but the root disk, the usual case, needs no search.
  found=
  for block in /sys/block/sr* /sys/block/vd* /sys/block/sd*; do
    [ -e $block ] && case $ROOT_DEVICE in /dev/${block##*/}*) ;; *) found=1 ;; esac
  done
  [ "$found" ] || return 1
  device=$(findfs LABEL=config-2 2>/dev/null) || device=$(findfs LABEL=CONFIG-2 2>/dev/null) || return 1
  load drive
  mkdir -p /run/config $data
  mount -r -t iso9660 $device /run/config 2>/dev/null || mount -r -t vfat $device /run/config || return 1
  latest=/run/config/openstack/latest
  if [ -e $latest/meta_data.json ]; then
    awk -f /usr/lib/guest/json.awk $latest/meta_data.json >$data/values
    [ -e $latest/user_data ] && cp $latest/user_data $data/user_data
    source=config-drive
  fi
  umount /run/config
  [ "$source" ]
}

# `timeout`, because BusyBox 1.35's `wget -T` crashes. Answers 1 for "the server says no", 2 for "no server".
fetch() {
  timeout 4 wget -qO- $service/$1 2>/run/fetch.error && return
  read -r error </run/fetch.error
  case $error in *'server returned error'*) return 1 ;; esac
  return 2
}

metadata_service() {
  mkdir -p $data
  fetch openstack/latest/meta_data.json >$data/raw
  case $? in
    0)
      awk -f /usr/lib/guest/json.awk $data/raw >$data/values
      fetch openstack/latest/user_data >$data/user_data
      user_data_status=$?
      ;;
    1)
      ec2=latest/meta-data
      id=$(fetch $ec2/instance-id) || return 1
      {
        printf 'uuid\t%s\n' "$id"
        printf 'hostname\t%s\n' "$(fetch $ec2/local-hostname || fetch $ec2/hostname)"
        # The list's last line has no line end, which `read` calls a failure.
        fetch $ec2/public-keys/ | while IFS='=' read -r number name || [ "$number" ]; do
          printf 'public_keys.%s\t%s\n' "$name" "$(fetch $ec2/public-keys/$number/openssh-key)"
        done
      } >$data/values
      fetch latest/user-data >$data/user_data
      user_data_status=$?
      ;;
    *) return 1 ;;
  esac
  case $user_data_status in
    0) ;;
    1) rm -f $data/user_data ;;
    *) return 1 ;;
  esac
  source=metadata-service
}

apply() {
  instance_id= name= password= keys=
  while IFS='	' read -r path value; do
    case $path in
      uuid) instance_id=$value ;;
      hostname) name=$value ;;
      admin_pass) password=$value ;;
      public_keys.*) keys="$keys$value
" ;;
    esac
  done <$data/values
  # Half an answer (an error page, a cut connection) is no answer.
  if [ -z "$instance_id" ]; then
    source=
    return 1
  fi
  seen=
  [ -e /var/lib/instance-id ] && read -r seen </var/lib/instance-id
  if [ "$seen" != "$instance_id" ]; then
    new_instance=1
    echo "$instance_id" >/var/lib/instance-id
    rm -f /etc/dropbear/dropbear_*_host_key
    [ -z "$password" ] || set_password "$password"
  fi
  # Nova gives a fully qualified name when it has a domain.
  name=${name%%.*}
  if [ "$name" ]; then
    hostname "$name"
    echo "$name" >/etc/hostname
    printf '127.0.0.1 localhost\n127.0.1.1 %s\n::1 localhost\n' "$name" >/etc/hosts
  fi
  if [ "$keys" ]; then
    printf %s "$keys" >/root/.ssh/authorized_keys
    printf %s "$keys" >/home/cirros/.ssh/authorized_keys
  fi
  count=0
  IFS='
'
  for key in $keys; do count=$((count + 1)); done
  unset IFS
  echo "metadata: source=$source instance-id=$instance_id hostname=$name keys=$count" >/dev/console
}

# On standard input: in the arguments every user could read it with `ps`.
set_password() {
  hash=$(printf %s "$1" | mkpasswd -m sha512 -P 0)
  awk -F: -v OFS=: -v hash="$hash" '$1 == "root" || $1 == "cirros" { $2 = hash } { print }' /etc/shadow >/etc/shadow.new
  chmod 600 /etc/shadow.new
  mv /etc/shadow.new /etc/shadow
}

# Once per instance, in the background; tells the boot through its FIFO when it has ended.
start_user_data() {
  user_data_running=
  [ "$new_instance" ] && [ -s $data/user_data ] || return 0
  start=
  read -r start <$data/user_data
  case $start in
    '#!'*) ;;
    *)
      echo 'user-data: not a #! script, left alone' >/dev/console
      return 0
      ;;
  esac
  cp $data/user_data /var/lib/user-data
  chmod 700 /var/lib/user-data
  user_data_running=1
  {
    exec 3>&-
    cd /
    /var/lib/user-data </dev/null
    echo "user-data: ended with status $?"
    [ ! -p /run/events ] || echo user-data >/run/events
  } >/dev/console 2>&1 &
}
