package permissions

import (
	"strings"
	"testing"
)

func TestScriptCalls(t *testing.T) {
	for _, c := range []struct {
		name, script string
		want         string // with commas between
	}{
		{"plain", `aws ssm get-parameter --name x`, "ssm.GetParameter"},
		{"with its path", `/usr/bin/aws ssm get-parameter --name x`, "ssm.GetParameter"},
		{"each once", "aws ssm get-parameter --name x\naws ssm get-parameter --name y", "ssm.GetParameter"},
		{"options before", `aws --region "$r" --output=text --no-cli-pager --query x ssm get-parameters --names x`, "ssm.GetParameters"},
		{"a field that matters", `aws s3api get-object --bucket b --key "$k" --version-id "$v" "$dir/out"`, "s3.GetObject with VersionId"},
		{"a field that matters, in one word", `aws s3api get-object --bucket=b --key="$k" --version-id="$v" "$dir/out"`, "s3.GetObject with VersionId"},
		{"a switch that matters", `aws ssm get-parameter --name="$p" --with-decryption --query=Parameter.Value`, "ssm.GetParameter with WithDecryption"},
		{"run by others", `timeout --kill-after=5 30 env A=b nohup aws logs put-log-events --log-group-name g`, "cloudwatchlogs.PutLogEvents"},
		{"run by a function", "within() { local n=$1; shift; timeout \"$n\" \"$@\"; }\nfetch() { within 30 aws ssm get-parameter --name x; }\nwithin 5 fetch", "ssm.GetParameter"},
		{"in a substitution", `x=$(aws elbv2 describe-target-health --target-group-arn "$a")`, "elasticloadbalancingv2.DescribeTargetHealth"},
		{"in a pipe and a condition", `if aws sts get-caller-identity | grep -q x; then aws dynamodb query --index-name i; fi`, "dynamodb.Query with IndexName,sts.GetCallerIdentity"},
		{"in a trap", `trap 'aws s3api head-bucket --bucket b' EXIT`, "s3.HeadBucket"},
		{"in sh -c", `bash -c 'aws s3api head-bucket --bucket b'`, "s3.HeadBucket"},
		{"in a script that it writes", "cat >x <<'E'\n#!/bin/sh\naws s3api head-bucket --bucket b\nE", "s3.HeadBucket"},
		{"in a substitution within a here-document", "cat >x <<E\n$(aws s3api head-bucket --bucket b)\nE", "s3.HeadBucket"},
		{"asking for it", "for p in aws tar; do type -P \"$p\" >/dev/null || echo \"no $p\"; done; command -v aws", ""},
		{"asking nobody", "aws --version\naws configure set region x", ""},
		{"the agent", "ctl=/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl\ntimeout 120 \"$ctl\" -a fetch-config", "cloudwatchlogs.CreateLogStream,cloudwatchlogs.PutLogEvents"},
		{"not in the table", "aws kinesis put-record", "kinesis.PutRecord"},
		{"no AWS", "set -e\n\"$dir/dossier\" migrate up 2>\"$dir/errors\"\ncat <<E\n$x aws\nE", ""},
		{"a function that prints its arguments", "say() { printf '%s\\n' \"$*\"; }\nout=$(cat x)\nsay \"$out\"", ""},
		{"empty here-document", "cat <<E\nE", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls, err := ScriptCalls(c.script)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, call := range calls {
				got = append(got, call.String())
			}
			if strings.Join(got, ",") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestScriptCallsRefuses(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"bad syntax", "if", "parse"},
		{"eval", `eval "$x"`, "eval runs what is not here"},
		{"source", `. /etc/x`, ". runs what is not here"},
		{"alias", `alias a=b`, "alias runs what is not here"},
		{"unknown service", `aws "$service" get-object`, "which operation"},
		{"unknown operation", `aws s3api "$operation"`, "which operation"},
		{"no operation", `dnf install aws`, "which operation"},
		{"unknown options", `aws s3api get-object "${options[@]}"`, "options of the AWS CLI that are not known"},
		{"unknown options, not quoted", `aws s3api get-object --bucket b $options`, "options of the AWS CLI that are not known"},
		{"an unknown option", `aws s3api get-object --bucket b "$option"`, "options of the AWS CLI that are not known"},
		{"input from a file", `aws s3api get-object --cli-input-json file://x`, "--cli-input-json hides what is asked"},
		{"commands of the CLI's own", `aws s3 cp a b`, "aws s3 cp is no operation"},
		{"waiters", `aws ssm wait command-executed`, "aws ssm wait is no operation"},
		{"by a variable", "cli=aws\n\"$cli\" s3api head-bucket", "$cli may be the AWS CLI here"},
		{"by a variable behind a runner", "cli=/usr/bin/aws\ntimeout 5 \"$cli\" s3api head-bucket", "$cli may be the AWS CLI here"},
		{"by the variable of a loop", "for p in aws; do $p s3api head-bucket; done", "$p may be the AWS CLI here"},
		{"by an array", `call=(aws s3api head-bucket); "${call[@]}"`, "in an array"},
		{"an unknown program", `"$x" a`, "the program that is run here is not known"},
		{"an unknown program behind a runner", `timeout 5 "$x" a`, "the program that is run here is not known"},
		{"an unknown program behind a function", "run() { \"$@\"; }\nx=$(cat y)\nrun \"$x\" a", "$x may be a program that is not known"},
		{"an unknown program behind a function of a function", "within() { timeout 5 \"$@\"; }\nretry() { within \"$@\"; }\nx=$(cat y)\nretry \"$x\" a", "$x may be a program that is not known"},
		{"a program from a substitution", `$(cat x) a`, "the program that is run here is not known"},
		{"its own arguments", `"$@"`, "the script runs its own arguments"},
		{"read by a shell", `curl https://example.org/x | bash`, "a shell runs what is not here"},
		{"a shell behind a runner", `timeout 5 sh "$file"`, "a shell runs what is not here"},
		{"another language", `timeout 5 python3 -c 'x'`, "python3 runs what is not understood here"},
		{"another caller", `cfn-signal -e 0`, "cfn-signal makes calls"},
		{"signed by curl", `curl --aws-sigv4 aws:amz:x:s3 https://x`, "signed without the AWS CLI"},
		{"in a text", `ssh host "aws s3api head-bucket"`, "a command line of the AWS CLI within a text"},
		{"in an assignment", `c='aws s3api head-bucket'`, "a command line of the AWS CLI within a text"},
		{"in a unit", "cat >x <<'E'\n[Service]\nExecStart=/usr/bin/aws s3api head-bucket\nE", "a command line of the AWS CLI within a text"},
		{"in a script with expansions", "cat >x <<E\n#!/bin/sh\n$y\nE", "a script with expansions"},
		{"in a script of another language", "cat >x <<'E'\n#!/usr/bin/env python3\nimport boto3\nE", "a script for"},
		{"in a script that it writes", "cat >x <<'E'\n#!/bin/sh\neval x\nE", "the script at line 2, line 2: eval"},
		{"an unknown trap", `trap "$x" EXIT`, "the code of trap is not known"},
		{"its name for something else", `aws() { curl x; }`, "a function with the name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls, err := ScriptCalls(c.script)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v and the error %v, want %q in it", calls, err, c.want)
			}
		})
	}
}
