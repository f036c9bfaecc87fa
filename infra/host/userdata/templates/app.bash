#!/usr/bin/env bash
# Installs one release of Dossier, starts it, and tells the instance's group whether it is ready. May be run again: what
# is right stays.
{{template "common" .}}

export AWS_REGION={{quote .Region}} AWS_DEFAULT_REGION={{quote .Region}} AWS_PAGER=''
bucket={{quote .Bucket}}
key={{quote .Key}}
sha256={{quote .SHA256}}
group={{quote .Group}}
hook={{quote .Hook}}
log_group={{quote .LogGroup}}
port={{.Port}}
home=/opt/dossier
log=/var/log/dossier/app.log
instance=''
incoming=''

# complete CONTINUE|ABANDON: answers the group, which waits for this instance. (Called from a trap, where a bare return
# gives the status from before the trap.)
complete() {
	local out
	if out=$(within 30 aws autoscaling complete-lifecycle-action --auto-scaling-group-name="$group" --lifecycle-hook-name="$hook" \
		--instance-id="$instance" --lifecycle-action-result="$1" 2>&1); then return 0; fi
	say "$out"
	# So it is when the script runs again, and when the group gave the instance up before.
	[[ $out == *'No active Lifecycle Action found'* ]]
}

# report: sends the end of the story to CloudWatch Logs, for the instance and its disk will soon be gone.
report() {
	local events now
	now=$(date +%s%3N)
	events=$(mktemp)
	{
		echo "bootstrap failed: $problem"
		timeout 5 journalctl --unit=dossier.service --output=cat --lines=20 --no-pager
		tail -n 40 "$log"
	} 2>/dev/null | tr -cd '\n\t\40-\176' | tr '\t' ' ' | cut -c 1-2000 | sed '/^$/d; s/[\\"]/\\&/g' |
		awk -v now="$now" 'BEGIN { printf "[" } { printf "%s{\"timestamp\":%s,\"message\":\"%s\"}", sep, now, $0; sep = "," } END { print "]" }' >"$events"
	within 15 aws logs create-log-stream --log-group-name="$log_group" --log-stream-name="$instance/bootstrap-$now" &&
		within 15 aws logs put-log-events --log-group-name="$log_group" --log-stream-name="$instance/bootstrap-$now" \
			--log-events="file://$events" >/dev/null
	rm -f "$events"
}

finish() {
	local status=$1
	trap - ERR EXIT
	set +e
	if [[ -n $incoming ]]; then rm -rf "$incoming"; fi
	if ((status != 0)); then
		budget=$((SECONDS + 60))
		if [[ -n $instance ]]; then
			# The report first: the group ends the instance as soon as it is told.
			report || say 'CloudWatch Logs did not take the report'
			retry 3 complete ABANDON || say "the group was not told; it gives the instance up by itself when the hook $hook times out"
		fi
		say "failed: $problem"
	fi
	exit "$status"
}

identify() {
	local token id
	token=$(curl --fail --silent --show-error --max-time 5 --request PUT --header 'X-aws-ec2-metadata-token-ttl-seconds: 300' \
		http://169.254.169.254/latest/api/token) || return 1
	# The token is no argument: those are for everybody on the machine to see.
	id=$(curl --fail --silent --show-error --max-time 5 --config - http://169.254.169.254/latest/meta-data/instance-id \
		<<<"header = \"X-aws-ec2-metadata-token: $token\"") || return 1
	[[ $id =~ ^i-[0-9a-f]+$ ]] || return 1
	instance=$id
}

download() {
	local out
	if out=$(within 300 aws s3api get-object --bucket="$bucket" --key="$key" "$incoming/release.tar.gz" 2>&1); then return 0; fi
	say "$out"
	if [[ $out == *'(NoSuch'* ]]; then return 99; fi
	return 1
}

install_release() {
	local sum names
	mkdir -p "$home/releases"
	rm -rf "$home"/releases/.incoming.*
	incoming=$(mktemp -d "$home/releases/.incoming.XXXXXX")
	retry 6 download || fail "s3://$bucket/$key was not downloaded"
	sum=$(sha256sum <"$incoming/release.tar.gz")
	[[ ${sum%% *} == "$sha256" ]] || fail "s3://$bucket/$key has the SHA-256 ${sum%% *} instead of $sha256"
	# Two plain files of these names, and nothing else: no link, no path, no third.
	names=$(within 60 tar -tvzf "$incoming/release.tar.gz" | awk '{ print substr($1, 1, 1) $NF }' | sort)
	[[ $names == "$(printf -- '-%s\n' dossier rds-ca.pem | sort)" ]] || fail "s3://$bucket/$key does not hold dossier and rds-ca.pem alone"
	mkdir "$incoming/files"
	within 60 tar -xzf "$incoming/release.tar.gz" --no-same-owner --no-same-permissions -C "$incoming/files" dossier rds-ca.pem
	chmod 0755 "$incoming/files" "$incoming/files/dossier"
	chmod 0644 "$incoming/files/rds-ca.pem"
	rm -rf "$home/releases/$sha256"
	mv "$incoming/files" "$home/releases/$sha256"
	rm -rf "$incoming"
	incoming=''
}

write_files() {
	local kib
	# The folder is root's: systemd opens the log as root, and must not be led elsewhere.
	mkdir -p /etc/dossier /etc/systemd/system/dossier.service.d /var/log/dossier
	if [[ ! -e $log ]]; then (umask 027 && : >"$log"); fi
	put 0644 /etc/systemd/system/dossier.service <<'{{.EOF}}'
{{.Unit}}{{.EOF}}
	# Go collects harder towards this limit, well before the unit's own.
	kib=$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)
	put 0644 /etc/systemd/system/dossier.service.d/memory.conf <<<"[Service]
Environment=GOMEMLIMIT=$((kib * 45 / 100 / 1024))MiB"
}

write_log_files() {
	put 0644 /etc/dossier/agent.json <<'{{.EOF}}'
{{.Agent}}{{.EOF}}
	put 0755 /usr/local/sbin/dossier-logs <<'{{.EOF}}'
{{.Logs}}{{.EOF}}
	# Apart from the app, which serves without: logs that wait are shipped when this succeeds.
	put 0644 /etc/systemd/system/dossier-logs.service <<'{{.EOF}}'
[Unit]
Description=Ships the log of Dossier
Wants=network-online.target
After=network-online.target dossier.service
StartLimitIntervalSec=0

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/dossier-logs
TimeoutStartSec=900
Restart=on-failure
RestartSec=120
OOMScoreAdjust=900
Nice=10

[Install]
WantedBy=multi-user.target
{{.EOF}}
	# The app holds its log open, so it is copied and emptied; lines of the moment between may be lost.
	put 0755 /usr/local/sbin/dossier-rotate <<'{{.EOF}}'
#!/bin/sh
set -eu
log=/var/log/dossier/app.log
if [ "$(stat -c %s "$log")" -lt 67108864 ]; then exit 0; fi
cp -p "$log" "$log.1"
: >"$log"
{{.EOF}}
	put 0644 /etc/systemd/system/dossier-rotate.service <<'{{.EOF}}'
[Unit]
Description=Bounds the log of Dossier

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/dossier-rotate
{{.EOF}}
	put 0644 /etc/systemd/system/dossier-rotate.timer <<'{{.EOF}}'
[Unit]
Description=Bounds the log of Dossier

[Timer]
OnBootSec=10min
OnUnitActiveSec=10min

[Install]
WantedBy=timers.target
{{.EOF}}
}

ready() { [[ $(curl --silent --output /dev/null --write-out '%{http_code}' --max-time 5 "http://localhost:$port/readyz") == 200 ]]; }

retry 5 identify || fail 'the instance metadata service did not tell the instance id'
say "instance $instance, release $sha256"
if ! id dossier >/dev/null 2>&1; then
	useradd --system --user-group --no-create-home --home-dir=/nonexistent --shell=/sbin/nologin dossier
fi
if [[ ! -d $home/releases/$sha256 ]]; then install_release; fi
if [[ $(readlink "$home/current" || true) != "releases/$sha256" ]]; then
	ln -sfn "releases/$sha256" "$home/next"
	mv -T "$home/next" "$home/current"
	changed=1
fi
write_files
restart=$changed
changed=0
write_log_files
if ((restart || changed)); then within 60 systemctl daemon-reload; fi
within 60 systemctl --quiet enable dossier.service dossier-rotate.timer dossier-logs.service
# A failed start is not the end: the unit tries again, and readiness decides.
within 120 systemctl "$(verb "$restart")" dossier.service || say 'dossier.service did not start'
until ready; do
	((SECONDS + 2 < budget)) || fail "http://localhost:$port/readyz did not answer 200 in time"
	sleep 1
done
find "$home/releases" -mindepth 1 -maxdepth 1 ! -name "$sha256" -exec rm -rf {} +
retry 5 complete CONTINUE || fail "the group $group was not told that the instance is ready"
say "ready after $SECONDS s"
within 30 systemctl start dossier-rotate.timer || say 'the log is not bounded: dossier-rotate.timer did not start'
within 30 systemctl "$(verb "$changed")" --no-block dossier-logs.service || say 'the log is not shipped: dossier-logs.service did not start'
