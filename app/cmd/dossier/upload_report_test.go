package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A disk that is full, or a quota, may be told only when what was printed is synced: through what watches standard
// output, too.
func TestReportIsFlushed(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "receipt.txt"))
	if err != nil {
		t.Fatal(err)
	}
	r := &uploadReport{stdout: &printed{to: f}}
	if err := r.flush(); err != nil {
		t.Errorf("flush: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.flush(); err == nil {
		t.Error("a file that cannot be synced is flushed without an error")
	}
}
