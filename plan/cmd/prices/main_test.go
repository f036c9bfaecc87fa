package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dossier.example/plan/prices"
)

const files = "../../prices/offers/testdata/"

// TestRun: the command writes a file that a plan can read, and says what it left out.
func TestRun(t *testing.T) {
	to := filepath.Join(t.TempDir(), "prices.json")
	var out, log bytes.Buffer
	if err := run([]string{"--region", "eu-central-1,us-east-1", "--out", to, files + "AmazonEC2.json",
		files + "AmazonRDS.csv"}, &out, &log); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table, err := prices.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	if got := table.Price("eu-central-1", "ec2/c7g.large"); got != 0.0825 {
		t.Errorf("an instance costs %g", got)
	}
	if !strings.Contains(log.String(), "prices: nothing found of AWSELB\n") {
		t.Errorf("it says\n%s", &log)
	}

	out.Reset()
	if err := run([]string{files + "AmazonEC2.json"}, &out, &log); err != nil {
		t.Fatal(err)
	}
	if table, err = prices.Read(&out); err != nil || !table.Has("us-east-1") {
		t.Errorf("to standard output: %+v, %v", table, err)
	}
	out.Reset()
	if err := run([]string{"--services"}, &out, &log); err != nil || !strings.Contains(out.String(), "AmazonEC2\n") {
		t.Errorf("the services are %q, %v", &out, err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "no file of AWS's Price List is given"},
		{[]string{files + "none.json"}, "no such file"},
		{[]string{"main_test.go"}, "main_test.go: reading its first rows"},
		{[]string{"--region", "Frankfurt", files + "AmazonEC2.json"}, "not the name of a region"},
		{[]string{"--region", "us-west-2", files + "AmazonEC2.json"}, "no prices of the regions"},
	} {
		if err := run(c.args, &out, &log); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.args, err, c.want)
		}
	}
}
