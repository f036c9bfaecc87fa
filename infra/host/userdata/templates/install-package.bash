{{define "install-package" -}}
# install_package NAME...: from the repository of the image's own release, so that an image always brings the same
# versions. dnf needs more memory than the smallest instances have (amazonlinux/amazon-linux-2023#404), so they get swap
# for as long as it runs.
install_package() {
	local kib status=0 swap=/var/install-package.swap
	kib=$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)
	if ((kib < 1500000)); then
		swapoff "$swap" 2>/dev/null || true
		rm -f "$swap"
		# Without it dnf may still get through.
		if ! { (umask 077 && dd if=/dev/zero of="$swap" bs=1M count=768 status=none) && mkswap "$swap" >/dev/null && swapon "$swap"; }; then
			echo 'there is no swap' >&2
		fi
	fi
	timeout --kill-after=5 600 dnf install --assumeyes --quiet --setopt=install_weak_deps=False --setopt=timeout=30 --setopt=retries=5 "$@" || status=$?
	if [[ -f $swap ]]; then
		swapoff "$swap" || true
		rm -f "$swap"
	fi
	return "$status"
}
{{- end}}
