{{- /* A template: Script.Render makes the script of it. */ -}}
#!/usr/bin/env bash
# Brings the database's schema to the present release: fetches the release, checks it, and has "dossier migrate up"
# apply what is missing. May be run again at any time. It needs bash, the AWS CLI, and a role that may read what it
# reads; the program reads its secrets itself, so there is none in here, on a command line or in the output.
set -euo pipefail
umask 077

region={{quote .Region}}
bucket={{quote .Bucket}}
parameters={{quote .Parameters}}
release_parameter={{quote .ReleaseParameter}}
wait={{seconds .Wait}}   # seconds for the database to answer, and for another run to end
limit={{seconds .Limit}} # seconds for all of it

# The settings that "dossier" reads come from Parameter Store, and from nowhere else.
unset "${!DOSSIER_@}"
export AWS_REGION=$region AWS_DEFAULT_REGION=$region AWS_PAGER='' AWS_RETRY_MODE=standard AWS_MAX_ATTEMPTS=3 LC_ALL=C

deadline=$((SECONDS + limit))
# A signal may come while standard error is redirected.
exec 3>&2
dir=''
problem=''

say() { printf 'schema: %s\n' "$1"; }

# fail ends the script; the last line of its output is what is wrong and what to do.
fail() {
	problem=$1
	exit 1
}

finish() {
	local status=$?
	trap - EXIT HUP INT TERM
	if [[ -n $dir ]]; then rm -rf -- "$dir"; fi
	if ((status != 0)); then say "failed: ${problem:-an unexpected error, told above; run it again, and report it when it comes back}" >&3; fi
	exit "$status"
}
trap finish EXIT
trap 'fail "ended by a signal; run it again"' HUP INT TERM

# within SECONDS COMMAND...: runs a program for so long at most, and never past the deadline. In the foreground, so that
# who ends this script's process group ends the program too.
within() {
	local most=$1 left=$((deadline - SECONDS))
	shift
	if ((left < most)); then most=$left; fi
	if ((most < 1)); then return 124; fi
	timeout --foreground --kill-after=10 "$most" "$@"
}

# retry COMMAND...: six times within half a minute, because what a role was just given is not known everywhere at once.
retry() {
	local pause
	for pause in 1 2 4 8 16; do
		if "$@"; then return 0; fi
		sleep "$pause"
	done
	"$@"
}

# fetch_parameter prints which release is the present one; fetch_release gets it.
fetch_parameter() {
	within 60 aws ssm get-parameter --region "$region" --name "$release_parameter" --query Parameter.Value --output text
}
fetch_release() {
	within 300 aws s3api get-object --region "$region" --bucket "$bucket" --key "$key" "$dir/release.tar.gz" >/dev/null
}

for program in aws flock sha256sum tar timeout; do
	type -P "$program" >/dev/null || fail "the program $program is not installed on this host; install it"
done

# On a disk: /tmp is memory on Amazon Linux, and this host has little.
temp=${TMPDIR:-/var/tmp}
# Appending, so that nothing that might be at this place is emptied.
exec 9>>"$temp/dossier-schema-$UID.lock" || fail "$temp cannot be written to; check its rights and that the disk is not full"
flock --wait "$wait" 9 || fail "another run on this host did not end within $wait seconds; run it again when that one is done"
dir=$(mktemp -d "$temp/dossier-schema.XXXXXXXXXX") || fail "$temp cannot be written to; check its rights and that the disk is not full"

release=$(retry fetch_parameter) ||
	fail "the parameter $release_parameter could not be read in $region; check that it exists, that this host's role may ssm:GetParameter it, and that this host reaches AWS"
[[ $release =~ ^(releases/([0-9a-f]{64})/release\.tar\.gz)\ ([0-9a-f]{64})$ && ${BASH_REMATCH[2]} == "${BASH_REMATCH[3]}" ]] ||
	fail "the parameter $release_parameter does not hold \"<key> <sha256>\" of a release; \"pulumi up\" sets it"
key=${BASH_REMATCH[1]} sha256=${BASH_REMATCH[3]}

retry fetch_release ||
	fail "the release s3://$bucket/$key could not be fetched; check that it exists, that this host's role may s3:GetObject it, and that this host reaches AWS"
printf '%s  %s\n' "$sha256" "$dir/release.tar.gz" | sha256sum --check --status ||
	fail "the release s3://$bucket/$key does not have the SHA-256 $sha256; it is not run; \"pulumi up\" uploads it anew when it was changed by hand"
tar --extract --gzip --file "$dir/release.tar.gz" --directory "$dir" --no-same-owner --no-same-permissions dossier rds-ca.pem ||
	fail "the release s3://$bucket/$key could not be unpacked in $temp; check that the disk is not full"

say "release $sha256; waiting up to $wait seconds for the database"
status=0
# Not a line for each time that it tries again: Systems Manager keeps only the beginning of the output.
DOSSIER_PARAMETERS=$parameters DOSSIER_DB_CA_FILE=$dir/rds-ca.pem DOSSIER_LOG_FORMAT=text DOSSIER_LOG_LEVEL=warn \
	within "$limit" "$dir/dossier" migrate up --wait "${wait}s" 2>"$dir/errors" || status=$?
errors=$(tail --bytes 4000 "$dir/errors")
if [[ -n $errors ]]; then printf '%s\n' "$errors" >&2; fi
if ((status != 0)); then
	case $status:$errors in
	124:* | 137:*)
		fail "the migration was ended, by this script's limit of $limit seconds or for want of memory; look at what the database does, then run it again" ;;
	*'MySQL error 1045'*)
		fail "the database refuses the password in $parameters/db/admin/password; \"pulumi up\" gives both the same one, unless the database's was changed by hand: then set it to the parameter's" ;;
	*x509:*)
		fail "the database's certificate is not by an authority in the release's rds-ca.pem, or not for its name; check $parameters/db/host, and renew infra/host/release/rds-ca.pem" ;;
	*' invalid setting'*)
		fail "the settings below $parameters cannot be used as they are; mend what the lines above name" ;;
	*': unavailable: '*)
		fail "the database did not answer within $wait seconds; check that it runs, that $parameters/db/host and db/port are its own, and that its security group lets this host in" ;;
	*)
		fail "the migration failed with status $status, as the lines above say; mend that and run it again" ;;
	esac
fi
say "the database has the schema of the release"
