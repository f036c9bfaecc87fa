package permissions

import (
	"slices"
	"strings"
	"testing"
)

func document(statements ...string) string {
	return `{"Version": "2012-10-17", "Statement": [` + strings.Join(statements, ",") + `]}`
}

func TestCompare(t *testing.T) {
	const (
		files   = "arn:aws:s3:::files/files/*"
		allow   = `{"Sid": "Files", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::files/files/*"}`
		secured = `{"Bool":{"aws:SecureTransport":"true"}}`
	)
	both := []Grant{{Action: "s3:GetObject", Resource: files}, {Action: "s3:PutObject", Resource: files}}
	for _, c := range []struct {
		name, document string
		need           []Grant
		missing, spare []string
	}{
		{name: "exactly", document: document(allow), need: both},
		{name: "one statement, not in a list", document: `{"Version": "2012-10-17", "Statement": ` + allow + `}`, need: both},
		{name: "actions in any case", document: document(allow), need: []Grant{{Action: "S3:getobject", Resource: files}, both[1]}},
		{
			name: "missing", document: document(allow), need: append(slices.Clone(both), Grant{Action: "s3:DeleteObject", Resource: files}),
			missing: []string{"s3:DeleteObject on " + files + ": no statement allows it"},
		},
		{
			name: "missing on another resource", document: document(allow), need: append(slices.Clone(both), Grant{Action: "s3:GetObject", Resource: "arn:aws:s3:::releases/*"}),
			missing: []string{"s3:GetObject on arn:aws:s3:::releases/*: no statement allows it"},
		},
		{
			name: "missing in part", document: document(`{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/files/a*"}`), need: both[:1],
			missing: []string{"s3:GetObject on " + files + ": no statement allows it"},
		},
		{
			name: "spare", document: document(allow), need: both[:1],
			spare: []string{"s3:PutObject on " + files + ": nothing needs it (statement Files)"},
		},
		{
			name: "spare resource", document: document(`{"Effect": "Allow", "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::files/files/*", "arn:aws:s3:::logs/*"]}`), need: both[:1],
			spare: []string{"s3:GetObject on arn:aws:s3:::logs/*: nothing needs it (statement 1)"},
		},
		{
			name: "wider", document: document(`{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/*"}`), need: both[:1],
			spare: []string{"s3:GetObject on arn:aws:s3:::files/*: wider than what is needed, " + files + " (statement 1)"},
		},
		{
			name: "wider, by permission", document: document(`{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/*"}`,
				`{"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/secret/*"}`),
			need: []Grant{{Action: "s3:GetObject", Resource: "arn:aws:s3:::files/files/x", Within: "arn:aws:s3:::files/*"}},
		},
		{
			name: "wider than permitted", document: document(`{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}`),
			need:  []Grant{{Action: "s3:GetObject", Resource: "arn:aws:s3:::files/files/x", Within: "arn:aws:s3:::files/*"}},
			spare: []string{"s3:GetObject on *: wider than what is needed, arn:aws:s3:::files/files/x (statement 1)"},
		},
		{
			name: "wildcard in an action", document: document(`{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::files/files/*"}`), need: both[:1],
			spare: []string{"s3:Get*: a wildcard in an action (statement 1)"},
		},
		{
			name: "everything but", document: document(`{"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::logs/*"}`), need: both[:1],
			spare: []string{"NotAction iam:*: allows everything else (statement 1)", "NotResource arn:aws:s3:::logs/*: allows everything else (statement 1)"},
		},
		{
			name:     "everything but that",
			document: document(`{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}`), need: both[:1],
			missing: []string{"s3:GetObject on " + files + ": no statement allows it"},
			spare:   []string{"NotAction s3:*: allows everything else (statement 1)"},
		},
		{
			name: "denied", document: document(allow, `{"Sid": "No", "Effect": "Deny", "Action": "s3:Put*", "Resource": "*"}`), need: both,
			missing: []string{"s3:PutObject on " + files + ": denied by statement No"},
		},
		{
			name: "denied in part", document: document(allow, `{"Effect": "Deny", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::files/*/secret"}`), need: both,
			missing: []string{"s3:PutObject on " + files + ": denied by statement 2"},
		},
		{
			name: "denied but that", document: document(allow, `{"Effect": "Deny", "NotAction": "s3:GetObject", "Resource": "*"}`), need: both,
			missing: []string{"s3:PutObject on " + files + ": denied by statement 2"},
		},
		{
			name: "denied elsewhere", document: document(allow, `{"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::logs/*"}`,
				`{"Effect": "Deny", "Action": "s3:*", "NotResource": "arn:aws:s3:::files/*"}`), need: both,
		},
		{
			name:     "on a condition",
			document: document(`{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/files/*", "Condition": ` + secured + `}`), need: both[:1],
			missing: []string{"s3:GetObject on " + files + ": allowed by statement 1 under the condition " + secured + " only"},
			spare:   []string{"s3:GetObject on " + files + ": nothing needs it (statement 1 under the condition " + secured + ")"},
		},
		{
			name:     "on a condition that is met",
			document: document(`{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/files/*", "Condition": { "Bool": {"aws:SecureTransport": "true"} }}`),
			need:     []Grant{{Action: "s3:GetObject", Resource: files, Meets: []string{secured}}},
		},
		{
			name: "denied on a condition", document: document(allow, `{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": `+secured+`}`),
			need:    []Grant{both[0], {Action: "s3:PutObject", Resource: files, Avoids: []string{secured}}},
			missing: []string{"s3:GetObject on " + files + ": denied by statement 2 under the condition " + secured},
		},
		{
			name: "without a resource to name", document: document(`{"Effect": "Allow", "Action": "ssm:UpdateInstanceInformation", "Resource": "*"}`),
			need: []Grant{{Action: "ssm:UpdateInstanceInformation", Resource: "*"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			missing, spare, err := Compare(c.document, c.need)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(missing, c.missing) {
				t.Errorf("missing %q, want %q", missing, c.missing)
			}
			if !slices.Equal(spare, c.spare) {
				t.Errorf("spare %q, want %q", spare, c.spare)
			}
		})
	}
}

func TestCompareRefuses(t *testing.T) {
	for _, c := range []struct{ name, document, want string }{
		{"no JSON", `x`, "invalid character"},
		{"two documents", document(`{"Effect": "Allow", "Action": "a:b", "Resource": "*"}`) + "{}", "more than one value"},
		{"an old version", `{"Version": "2008-10-17", "Statement": {}}`, `Version is "2008-10-17"`},
		{"no statement", `{"Version": "2012-10-17", "Statement": []}`, "no statement"},
		{"a policy of a resource", document(`{"Effect": "Allow", "Principal": "*", "Action": "a:b", "Resource": "*"}`), "Principal"},
		{"a bad effect", document(`{"Effect": "allow", "Action": "a:b", "Resource": "*"}`), `Effect is "allow"`},
		{"no action", document(`{"Effect": "Allow", "Resource": "*"}`), "one of Action and NotAction"},
		{"no resource", document(`{"Effect": "Allow", "Action": "a:b"}`), "one of Resource and NotResource"},
		{"a number for an action", document(`{"Effect": "Allow", "Action": 1, "Resource": "*"}`), "neither a text nor a list of texts"},
		{"a variable", document(`{"Effect": "Allow", "Action": "a:b", "Resource": "arn:aws:s3:::b/${aws:username}"}`), "the policy variable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := Compare(c.document, nil); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q in it", err, c.want)
			}
		})
	}
}
