package main

import (
	"encoding/json"
	"os/exec"
	"testing"
	"time"

	"dossier.example/app"
	"dossier.example/app/internal/servers"
	"dossier.example/app/internal/teststores"
)

// A sweep whose process is killed is continued by another one, which sees what one run would have seen.
func TestKillSweep(t *testing.T) {
	servers.EndToEnd(t)
	t.Parallel()
	const people = 3000 // and the one whose words they have
	folder := teststores.Folder(t)
	loadSwept(t, folder, people)
	stores := teststores.Embedded(t, folder)
	env := []string{"DOSSIER_DATA=" + folder}
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	kill := func() (halfway bool) {
		c := exec.Command(bin, "reconcile", "--json")
		c.Env = env
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { _ = c.Wait(); close(ended) }()
		defer func() { _ = c.Process.Kill(); <-ended }()
		for {
			note, err := stores.Catalog.Note(t.Context(), dossier.SweepProgressNote)
			if err != nil {
				t.Fatal(err)
			}
			var at struct{ After string }
			if len(note.Value) > 0 {
				if err := json.Unmarshal(note.Value, &at); err != nil {
					t.Fatal(err)
				}
			}
			if at.After != "" {
				return true
			}
			select {
			case <-ended:
				return false
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	for try := 0; !kill(); try++ {
		if try == 5 {
			t.Fatal("the sweep ends before it can be killed")
		}
	}
	status, out, errs := runBinary(t, env, "reconcile", "--json", "--resume")
	var report dossier.ReconcileReport
	if status == 0 {
		err = json.Unmarshal([]byte(out), &report)
	}
	if status != 0 || err != nil || !report.Resumed || report.Files != people+1 || len(report.Counts) > 0 {
		t.Errorf("reconcile --resume: exit status %d, %v: %s%s", status, err, out, errs)
	}
}
