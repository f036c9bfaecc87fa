package main

import (
	"flag"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"
)

// TestMain runs more tests side by side than there are processors, for most wait for the Pulumi CLI or for the go
// command, and collects garbage less often: a quarter of this process's time.
func TestMain(m *testing.M) {
	// The command line, which is parsed later, takes precedence.
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}

// endToEnd ends a test that runs the engine many times: as skipped, unless everything has to run. So a change of a
// component is tested within some two minutes; what such a test alone finds, "make test" does.
func endToEnd(t *testing.T) {
	t.Helper()
	if os.Getenv("DOSSIER_TEST_REQUIRE") != "1" {
		t.Skip(`runs the engine many times; DOSSIER_TEST_REQUIRE=1 runs it, as "make test" does`)
	}
}
