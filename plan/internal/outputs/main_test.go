package main

import (
	"os"
	"testing"
)

// TestTableIsCurrent: the table in the repository is what the SDK in go.mod gives.
func TestTableIsCurrent(t *testing.T) {
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../awsmodel/outputs.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("plan/internal/awsmodel/outputs.txt is stale: make generate")
	}
}
