package permissions

import (
	"fmt"
	"strings"
	"testing"
)

const example = "dossier.example/plan/permissions/testdata/"

func TestCallsOfExamples(t *testing.T) {
	commands, err := Calls(t.Context(), "../..", example+"commands", example+"notcobra", example+"credentials")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, c := range commands {
		got[strings.TrimSpace(strings.TrimPrefix(c.Program, example)+" "+c.Name)] = list(c.Calls)
	}
	want := map[string][]string{
		"commands upload": {
			"s3.AbortMultipartUpload", "s3.CompleteMultipartUpload", "s3.CreateMultipartUpload with Tagging", "s3.PutObject with Tagging", "s3.UploadPart",
		},
		"commands paginate":     {"s3.ListObjectsV2"},
		"commands presign":      {"s3.GetObject", "s3.PutObject"},
		"commands wait":         {"ssm.GetCommandInvocation"},
		"commands method-value": {"dynamodb.GetItem"},
		"commands served":       {"s3.GetObject", "s3.HeadBucket"},
		"commands queries":      {"dynamodb.Query", "dynamodb.Query with IndexName", "dynamodb.Scan with IndexName"},
		"commands versions":     {"s3.GetObject", "s3.GetObject with VersionId"},
		"commands parent":       {"s3.DeleteObject"},
		"commands nothing":      {},
		"notcobra":              {"s3.CopyObject"},
		"credentials":           {"s3.HeadBucket", "sts.AssumeRole"},
	}
	for name, calls := range want {
		text, found := got[name]
		if !found {
			t.Errorf("no command %q", name)
		}
		wanted := "  none\n"
		if len(calls) > 0 {
			wanted = "  " + strings.Join(calls, "\n  ") + "\n"
		}
		if text != wanted {
			t.Errorf("%s calls\n%s, want\n%s", name, text, wanted)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("unexpected command %q", name)
	}
}

func TestCallsThatAreHidden(t *testing.T) {
	_, err := Calls(t.Context(), "../..", example+"hidden")
	if err == nil {
		t.Fatal("calls that cannot be followed were not told")
	}
	for _, want := range []string{
		"main.go:14:", "s3.DeleteObject is called here, but no command reaches it",
		"main.go:20:", "NewListPartsPaginator is called here, but no command reaches it",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not tell %q: %v", want, err)
		}
	}
}

func TestCallsOfWhatIsNoProgram(t *testing.T) {
	for program, want := range map[string]string{
		"dossier.example/plan/permissions":        "it is no program but the package permissions",
		"dossier.example/plan/permissions/absent": "dossier.example/plan/permissions/absent",
	} {
		if _, err := Calls(t.Context(), "../..", program); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want %q in it", program, err, want)
		}
	}
}

func list(calls []Call) string {
	var b strings.Builder
	for _, c := range calls {
		fmt.Fprintf(&b, "  %s\n", c)
	}
	if len(calls) == 0 {
		b.WriteString("  none\n")
	}
	return b.String()
}
