package permissions

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestActions(t *testing.T) {
	for _, c := range []struct {
		call Call
		want string
	}{
		{Call{"s3", "HeadObject", ""}, "s3:GetObject on object, s3:ListBucket on bucket if tell absent"},
		{Call{"s3", "HeadObject", "ChecksumMode"}, "s3:GetObject on object, s3:ListBucket on bucket if tell absent, kms:Decrypt on key if customer key"},
		{Call{"s3", "GetObject", "VersionId"}, "s3:GetObjectVersion on object, s3:ListBucket on bucket if tell absent, kms:Decrypt on key if customer key"},
		{Call{"s3", "CreateMultipartUpload", ""}, "s3:PutObject on object, kms:GenerateDataKey on key if customer key, kms:Decrypt on key if customer key"},
		{Call{"s3", "PutObject", "ACL,Tagging"}, "s3:PutObject on object, kms:GenerateDataKey on key if customer key, s3:PutObjectAcl on object, s3:PutObjectTagging on object"},
		{Call{"s3", "ListParts", ""}, "s3:ListMultipartUploadParts on object"},
		{Call{"s3", "ListMultipartUploads", ""}, "s3:ListBucketMultipartUploads on bucket"},
		{Call{"dynamodb", "Query", ""}, "dynamodb:Query on table, kms:Decrypt on key if customer key"},
		{Call{"dynamodb", "Query", "IndexName"}, "dynamodb:Query on index, kms:Decrypt on key if customer key"},
		{Call{"ssm", "GetParameters", ""}, "ssm:GetParameters on parameter"},
		{Call{"ssm", "GetParameters", "WithDecryption"}, "ssm:GetParameters on parameter, kms:Decrypt on key if customer key"},
		{Call{"sts", "GetCallerIdentity", ""}, ""},
	} {
		actions, err := Actions(c.call)
		if err != nil {
			t.Error(err)
		}
		var got []string
		for _, a := range actions {
			s := fmt.Sprintf("%s on %s", a.Name, a.On)
			if a.If != Always {
				s += fmt.Sprintf(" if %s", a.If)
			}
			got = append(got, s)
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s needs %s, want %s", c.call, strings.Join(got, ", "), c.want)
		}
	}
	if _, err := Actions(Call{"kinesis", "PutRecord", ""}); err == nil || !strings.Contains(err.Error(), "kinesis.PutRecord") {
		t.Errorf("an operation that is not in the table: %v", err)
	}
}

// Every line of the table has the form that the rest relies on.
func TestOperations(t *testing.T) {
	name, action := regexp.MustCompile(`^[a-z0-9]+\.[A-Z][A-Za-z0-9]+$`), regexp.MustCompile(`^[a-z0-9]+:[A-Z][A-Za-z0-9]+$`)
	check := func(operation string, actions []Action) {
		seen := map[Action]bool{}
		for _, a := range actions {
			if !action.MatchString(a.Name) || a.On == "" || seen[a] {
				t.Errorf("%s: %+v", operation, a)
			}
			seen[a] = true
		}
	}
	for operation, needs := range operations {
		if !name.MatchString(operation) {
			t.Errorf("%s is no name of an operation", operation)
		}
		check(operation, needs.actions)
		seen := map[string]bool{}
		for _, r := range needs.rules {
			if r.field == "" || seen[r.field] || (r.instead == nil) == (r.also == nil) {
				t.Errorf("%s: the rule of %q", operation, r.field)
			}
			seen[r.field] = true
			check(operation, r.instead)
			check(operation, r.also)
		}
	}
}

func TestNeeds(t *testing.T) {
	calls := []Call{{"s3", "GetObject", ""}, {"s3", "HeadObject", ""}, {"ssm", "UpdateInstanceInformation", ""}}
	resources := map[Kind][]string{Object: {"arn:aws:s3:::b/x", "arn:aws:s3:::b/y"}, Bucket: {"arn:aws:s3:::b"}}
	show := func(grants []Grant) string {
		var lines []string
		for _, g := range grants {
			lines = append(lines, g.Action+" on "+g.Resource)
		}
		return strings.Join(lines, "\n")
	}
	grants, err := Needs(calls, resources)
	if err != nil {
		t.Fatal(err)
	}
	want := "s3:GetObject on arn:aws:s3:::b/x\ns3:GetObject on arn:aws:s3:::b/y\nssm:UpdateInstanceInformation on *"
	if got := show(grants); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if grants, err = Needs(calls, resources, TellAbsent); err != nil {
		t.Fatal(err)
	}
	want = "s3:GetObject on arn:aws:s3:::b/x\ns3:GetObject on arn:aws:s3:::b/y\ns3:ListBucket on arn:aws:s3:::b\nssm:UpdateInstanceInformation on *"
	if got := show(grants); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	_, err = Needs(append(calls, Call{"kinesis", "PutRecord", ""}), resources, CustomerKey)
	for _, want := range []string{"kinesis.PutRecord is not in the table", "s3.GetObject needs kms:Decrypt on a key, and none is told"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q in it", err, want)
		}
	}
	for _, c := range SystemsManagerAgent() {
		if _, err := Actions(c); err != nil {
			t.Error(err)
		}
	}
}
