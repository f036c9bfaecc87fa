package main

import (
	"bytes"
	"os"
	"testing"
)

// TestTablesAreOfTheSDK: the tables in the repository are what the SDK in go.mod makes of them.
func TestTablesAreOfTheSDK(t *testing.T) {
	for file, table := range map[string]func() ([]byte, error){
		"../../defaults.txt": unsetTable, "../awsmodel/outputs.txt": outputsTable,
		"../awsmodel/answers.txt": answersTable,
	} {
		want, err := table()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not of the SDK in go.mod: make generate", file)
		}
	}
}
