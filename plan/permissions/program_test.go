package permissions

import (
	"strings"
	"testing"
)

const example = "dossier.example/plan/permissions/testdata/"

func TestCalls(t *testing.T) {
	programs, err := Calls(t.Context(), "../..", example+"calls", "dossier.example/plan/permissions")
	if err != nil {
		t.Fatal(err)
	}
	const want = "dynamodb.GetItem, dynamodb.Query, dynamodb.Query with IndexName, dynamodb.Scan with IndexName, " +
		"iam.GetRole, s3.GetObject, s3.HeadBucket, s3.HeadObject, s3.HeadObject with VersionId, s3.ListObjectsV2, " +
		"s3.PutObject with Tagging, ssm.GetCommandInvocation, sts.GetCallerIdentity"
	if got := list(programs[0].Calls); got != want {
		t.Errorf("the calls are\n%s, want\n%s", got, want)
	}
	if got := list(programs[1].Calls); got != "" {
		t.Errorf("this package calls %s", got)
	}
}

func TestCallsRefuses(t *testing.T) {
	for program, wants := range map[string][]string{
		"hidden": {"main.go:14:", "store).Remove calls s3.DeleteObject, but no program reaches it",
			"main.go:20:", "unused calls s3.ListParts, but no program reaches it"},
		"unknown": {"unknown imports github.com/aws/aws-sdk-go-v2/credentials/stscreds, and what that calls is not " +
			"known"},
		"absent": {"testdata/absent"},
	} {
		_, err := Calls(t.Context(), "../..", example+program)
		for _, want := range wants {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error is %v, want %q in it", program, err, want)
			}
		}
	}
}

func list(calls []Call) string {
	var all []string
	for _, c := range calls {
		all = append(all, c.String())
	}
	return strings.Join(all, ", ")
}
