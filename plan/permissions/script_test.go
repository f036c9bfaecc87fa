package permissions

import (
	"strings"
	"testing"
)

func TestScriptCalls(t *testing.T) {
	for _, c := range []struct {
		name, script string
		want         string
	}{
		{"plain", `aws ssm get-parameter --name x`, "ssm.GetParameter"},
		{"without options", `aws sts get-caller-identity`, "sts.GetCallerIdentity"},
		{"with its path", `/usr/bin/aws ssm get-parameter --name x`, "ssm.GetParameter"},
		{"each once", "aws ssm get-parameter --name x\naws ssm get-parameter --name y", "ssm.GetParameter"},
		{"options on the next line", "aws ssm get-parameter --name x \\\n\t--with-decryption",
			"ssm.GetParameter with WithDecryption"},
		{"a field that matters", `aws s3api get-object --bucket b --key "$k" --version-id "$v" "$dir/out"`,
			"s3.GetObject with VersionId"},
		{"a field that matters, in one word", `aws s3api get-object --bucket=b --key="$k" --version-id="$v" "$dir/out"`,
			"s3.GetObject with VersionId"},
		{"a switch that matters", `aws ssm get-parameter --name="$p" --with-decryption --query=Parameter.Value`,
			"ssm.GetParameter with WithDecryption"},
		{"run by others", `timeout --kill-after=5 30 env A=b nohup aws logs put-log-events --log-group-name g`,
			"cloudwatchlogs.PutLogEvents"},
		{"run by a function",
			"within() { local n=$1; shift; timeout \"$n\" \"$@\"; }\n" +
				"fetch() { within 30 aws ssm get-parameter --name x; }\nwithin 5 fetch",
			"ssm.GetParameter"},
		{"in a substitution", `x=$(aws elbv2 describe-target-health --target-group-arn "$a")`,
			"elasticloadbalancingv2.DescribeTargetHealth"},
		{"in a pipe and a condition",
			`if aws sts get-caller-identity | grep -q x; then aws dynamodb query --index-name i; fi`,
			"dynamodb.Query with IndexName, sts.GetCallerIdentity"},
		{"in a trap", `trap 'aws s3api head-bucket --bucket b' EXIT`, "s3.HeadBucket"},
		{"in a script that it writes", "cat >x <<'E'\n#!/bin/sh\naws s3api head-bucket --bucket b\nE", "s3.HeadBucket"},
		{"in a text", `ssh host "aws s3api head-bucket"`, "s3.HeadBucket"},
		{"in an assignment", `c='aws s3api head-bucket'`, "s3.HeadBucket"},
		{"in a unit", "cat >x <<'E'\n[Service]\nExecStart=/usr/bin/aws s3api head-bucket\nE", "s3.HeadBucket"},
		{"asking for it", "for p in aws tar; do type -P \"$p\" >/dev/null || echo \"no $p\"; done; command -v aws", ""},
		{"the agent", "ctl=/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl\n" +
			"timeout 120 \"$ctl\" -a fetch-config",
			"cloudwatchlogs.CreateLogStream, cloudwatchlogs.PutLogEvents"},
		{"no AWS",
			"#!/usr/bin/env bash\n# aws is not called\nset -e\nwithin 5 \"$dir/dossier\" migrate up 2>\"$dir/errors\"",
			""},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls, err := ScriptCalls(c.script)
			if err != nil {
				t.Fatal(err)
			}
			if got := list(calls); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestScriptCallsRefuses(t *testing.T) {
	const unknown, others = "which operation of the AWS CLI this is cannot be told", "can run what is not known here"
	for _, c := range []struct{ name, script, want string }{
		{"the line", "\n\naws x \\\n  y\n", "line 3: aws x y is not in the table"},
		{"not in the table", `aws kinesis put-record`, "aws kinesis put-record is not in the table of operations"},
		{"unknown service", `aws "$service" get-object`, unknown},
		{"unknown operation", `aws s3api "$operation"`, unknown},
		{"options first", `aws --region "$r" ssm get-parameters --names x`, unknown},
		{"no operation", `dnf install aws`, unknown},
		{"by a variable", "cli=aws\nwithin 5 \"$cli\" s3api head-bucket", unknown},
		{"by a variable with its path", "cli=/usr/bin/aws\nwithin 5 \"$cli\" s3api head-bucket", unknown},
		{"by the variable of a loop", "for p in aws; do timeout 5 $p s3api head-bucket; done", "aws do timeout"},
		{"its name for something else", `aws() { curl x; }`, unknown},
		{"by an array", `call=(aws s3api head-bucket); within 5 "${call[@]}"`,
			"options of aws s3api head-bucket are not known"},
		{"unknown options", `aws s3api get-object "${options[@]}"`, "options of aws s3api get-object are not known"},
		{"unknown options, not quoted", `aws s3api get-object --bucket b $options`,
			"options of aws s3api get-object are not known"},
		{"an unknown option", `aws s3api get-object --bucket b "$option"`,
			"options of aws s3api get-object are not known"},
		{"the script's options", `aws s3api get-object --bucket b "$@"`,
			"options of aws s3api get-object are not known"},
		{"input from a file", `aws s3api get-object --cli-input-json file://x`, others},
		{"commands of the CLI's own", `aws s3 cp a b`, "aws s3 cp is no operation"},
		{"waiters", `aws ssm wait command-executed`, "aws ssm wait is no operation"},
		{"eval", `eval "$x"`, others},
		{"source", `. /etc/x`, others},
		{"source, after something", `true; source /etc/x`, others},
		{"alias", `alias a=b`, others},
		{"an unknown program", `"$x" a`, others},
		{"a program from a substitution", `if true; then $(cat x) a; fi`, others},
		{"read by a shell", `curl https://example.org/x | bash`, others},
		{"a shell behind a runner", `timeout 5 sh "$file"`, others},
		{"another language", `timeout 5 python3 -c 'x'`, others},
		{"another caller", `cfn-signal -e 0`, others},
		{"signed by curl", `curl --aws-sigv4 aws:amz:x:s3 https://x`, others},
		{"in a script of another language", "cat >x <<'E'\n#!/usr/bin/env python3\nimport boto3\nE", others},
		{"in a script that it writes", "cat >x <<'E'\n#!/bin/sh\neval x\nE", "line 3: \"eval\" can run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls, err := ScriptCalls(c.script)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v and the error %v, want %q in it", calls, err, c.want)
			}
		})
	}
}
