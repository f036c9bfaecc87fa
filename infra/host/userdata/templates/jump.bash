#!/usr/bin/env bash
{{if not .HostKeyParameter -}}
# Turns the SSH server of the jump server off: nobody may connect by it, sessions come through Systems Manager. May be
# run again.
set -euo pipefail
systemctl mask --now sshd.service sshd.socket
{{else -}}
# Gives the jump server the SSH host key that its clients know, and a strict SSH server. May be run again: what is right
# stays.
{{template "common" .}}

export AWS_REGION={{quote .Region}} AWS_DEFAULT_REGION={{quote .Region}} AWS_PAGER=''
parameter={{quote .HostKeyParameter}}
key=/etc/ssh/ssh_host_ed25519_key
config=/etc/ssh/sshd_config.d/00-dossier.conf
new=''

finish() {
	local status=$1
	trap - ERR EXIT
	set +e
	if [[ -n $new ]]; then rm -f "$new"; fi
	if ((status != 0)); then say "failed: $problem"; fi
	exit "$status"
}

# fetch: the key goes from the AWS CLI straight into a file in memory of root's own, which mktemp makes with mode 0600.
fetch() { within 30 aws ssm get-parameter --name="$parameter" --with-decryption --query=Parameter.Value --output=text >"$new"; }

# Until the key is there, nobody is shown another one: no server is better than one that clients cannot tell from an
# impostor's.
if [[ ! -f $config ]]; then within 60 systemctl --quiet disable --now sshd.service; fi
new=$(mktemp /run/host-key.XXXXXX)
retry 8 fetch || fail "the parameter $parameter was not read"
public=$(ssh-keygen -y -P '' -f "$new" </dev/null 2>/dev/null) ||
	fail "the parameter $parameter holds no private key in the form of OpenSSH, without passphrase"
[[ $public == 'ssh-ed25519 '* ]] || fail "the parameter $parameter holds a key that is not ed25519"
put 0600 "$key" <"$new"
chown root:root "$key"
chmod 0600 "$key"
put 0644 "$key.pub" <<<"$public"
find /etc/ssh -maxdepth 1 -name 'ssh_host_*' ! -name "${key##*/}" ! -name "${key##*/}.pub" -delete
# Else these make the other keys anew at the next start.
within 60 systemctl --quiet mask sshd-keygen@rsa.service sshd-keygen@ecdsa.service
mkdir -p "${config%/*}"
# The first value that sshd reads counts, and it reads this file first.
put 0600 "$config" <<'{{.EOF}}'
HostKey /etc/ssh/ssh_host_ed25519_key
AuthenticationMethods publickey
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitEmptyPasswords no
PermitRootLogin no
AllowUsers ec2-user
AllowAgentForwarding no
AllowStreamLocalForwarding no
# An operator's own client reaches the database through here.
AllowTcpForwarding local
GatewayPorts no
PermitTunnel no
X11Forwarding no
PermitUserEnvironment no
LoginGraceTime 30
MaxAuthTries 3
ClientAliveInterval 60
ClientAliveCountMax 3
{{.EOF}}
within 30 /usr/sbin/sshd -t
within 60 systemctl --quiet enable sshd.service
within 60 systemctl "$(verb "$changed")" sshd.service
say 'sshd serves with the host key of the parameter'
{{end -}}
