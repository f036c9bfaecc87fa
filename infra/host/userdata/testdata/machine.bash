#!/usr/bin/env bash
# Starts systemd as process 1 of a machine of its own, whose disk is an overlay over this one's: what it writes lands in a folder, and nothing
# of this system changes. Called in fresh mount, PID, network, UTS and IPC namespaces.
# machine.bash start FOLDER NAME: FOLDER holds the overlay, NAME is that of the machine's cgroup.
# machine.bash clean NAME: removes the cgroups that an ended machine left.
set -euo pipefail

# cgroups mounts the unified hierarchy and prints the path of this process's own cgroup in it.
cgroups() {
	mkdir -p "$1"
	mount -t cgroup2 cgroup2 "$1"
	own=$1$(sed -n 's/^0:://p' /proc/self/cgroup)
}

start() {
	local base=$1 name=$2 root=$1/root
	mount --make-rprivate /
	mkdir -p "$base/upper" "$base/work" "$base/proc" "$root"
	mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$root"
	mount -t tmpfs -o mode=755 tmpfs "$root/run"
	mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
	mount -t tmpfs -o mode=755 tmpfs "$root/dev"
	for device in null zero full random urandom tty; do
		: >"$root/dev/$device"
		mount --bind "/dev/$device" "$root/dev/$device"
	done
	mkdir "$root/dev/shm" "$root/dev/pts"
	mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	mount -t proc proc "$root/proc"
	mount --bind "$base/meminfo" "$root/proc/meminfo"
	# Of the kernel's settings, those of the network alone are the machine's own.
	mount --bind "$root/proc/sys" "$root/proc/sys"
	mount -o remount,bind,ro "$root/proc/sys"
	mount -t proc proc "$base/proc"
	mount --bind "$base/proc/sys/net" "$root/proc/sys/net"
	umount "$base/proc"
	mount -t sysfs -o ro sysfs "$root/sys"
	if [[ ! -e $base/prepared ]]; then
		prepare "$root"
		: >"$base/prepared"
	fi
	ip link set lo up
	ip address add 169.254.169.254/32 dev lo
	# In a cgroup of its own, which is all that the machine sees.
	cgroups "$base/cgroups"
	mkdir -p "$own/$name"
	echo 0 >"$own/$name/cgroup.procs"
	umount "$base/cgroups"
	exec unshare --cgroup "$BASH" "$0" enter "$root"
}

# prepare takes away what the system under the overlay starts, so that a machine starts systemd's core and what is put on it.
prepare() {
	local root=$1
	rm -rf "$root"/etc/systemd/system "$root"/usr/lib/systemd/system/*.wants "$root"/{etc,usr/lib}/sysctl.d "$root"/etc/ssh/ssh_host_* "$root"/opt
	rm -rf "$root"/var/log "$root"/etc/dossier "$root"/usr/local/sbin
	: >"$root/etc/fstab"
	mkdir -p "$root"/etc/systemd/system "$root"/etc/sysctl.d "$root"/opt "$root"/var/log "$root"/usr/local/sbin
	cat >"$root/etc/systemd/system/multi-user.target" <<-UNIT
		[Unit]
		Description=Everything that a machine starts
		Requires=basic.target systemd-journald.service
		Wants=systemd-sysctl.service timers.target
		After=basic.target systemd-journald.service systemd-sysctl.service
		AllowIsolate=yes
	UNIT
}

enter() {
	local root=$1
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
	cd "$root"
	mkdir -p run/host
	pivot_root . run/host
	umount -l /run/host
	exec env -i container=dossier-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=multi-user.target
}

clean() {
	local own dir
	dir=$(mktemp -d)
	cgroups "$dir"
	if [[ -d $own/$1 ]]; then find "$own/$1" -depth -type d -exec rmdir {} \;; fi
	umount "$dir"
	rmdir "$dir"
}

"$@"
