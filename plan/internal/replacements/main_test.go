package main

import (
	"os"
	"testing"
)

// TestTableIsCurrent: the table in the repository is what the provider's source and the SDK in go.mod give.
func TestTableIsCurrent(t *testing.T) {
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../replacements.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("plan/replacements.txt is stale: make generate")
	}
}
