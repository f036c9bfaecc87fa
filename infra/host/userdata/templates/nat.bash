#!/usr/bin/env bash
# Makes this instance the way of the private subnets to the internet. May be run again: what is right stays.
{{template "common" .}}

finish() {
	local status=$1
	trap - ERR EXIT
	if ((status != 0)); then say "failed: $problem"; fi
	exit "$status"
}

{{template "install-package"}}

if ! command -v nft >/dev/null; then retry 8 install_package nftables || fail 'nftables was not installed'; fi
mkdir -p /etc/dossier
put 0644 /etc/sysctl.d/90-dossier-nat.conf <<'{{.EOF}}'
net.ipv4.ip_forward = 1
# Packets leave by the interface that they came in by; that is no mistake of the sender's.
net.ipv4.conf.all.send_redirects = 0
net.ipv4.conf.default.send_redirects = 0
{{.EOF}}
put 0644 /etc/dossier/nat.nft <<'{{.EOF}}'
# The first two lines make loading the file again a replacement.
table ip dossier_nat
delete table ip dossier_nat
table ip dossier_nat {
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established,related accept
		ct state invalid drop
		ip saddr {{.CIDR}} ip daddr != { {{.CIDR}}, 169.254.0.0/16 } oifname $uplink accept
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr {{.CIDR}} ip daddr != {{.CIDR}} oifname $uplink masquerade
	}
}
{{.EOF}}
put 0755 /usr/local/sbin/dossier-nat <<'{{.EOF}}'
#!/usr/bin/env bash
# Loads the rules for the interface of the default route, whatever its name is this time.
set -euo pipefail
uplink=$(ip -4 -oneline route show default | awk '{ for (i = 1; i < NF; i++) if ($i == "dev") { print $(i + 1); exit } }')
[[ $uplink =~ ^[A-Za-z0-9_.-]+$ ]] || { echo 'there is no default route yet' >&2; exit 1; }
nft --define uplink="$uplink" --file /etc/dossier/nat.nft
sysctl --quiet --load=/etc/sysctl.d/90-dossier-nat.conf
sysctl --quiet --write "net.ipv4.conf.$uplink.send_redirects=0"
# Small machines get room for some thousand connections only; one takes about 300 bytes. Not settable within a
# container.
sysctl --quiet --write net.netfilter.nf_conntrack_max=65536 || true
{{.EOF}}
put 0644 /etc/systemd/system/dossier-nat.service <<'{{.EOF}}'
[Unit]
Description=Translates the addresses of the private subnets
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/dossier-nat
Restart=on-failure
RestartSec=5

[Install]
WantedBy=multi-user.target
{{.EOF}}
if ((changed)); then within 60 systemctl daemon-reload; fi
within 60 systemctl --quiet enable dossier-nat.service
within 60 systemctl "$(verb "$changed")" dossier-nat.service
say 'addresses are translated'
