package web_test

import (
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"testing"

	"dossier.example/app"
)

// TestSizesInBrowser has the browser's words write sizes and limits as the server does.
func TestSizesInBrowser(t *testing.T) {
	t.Parallel()
	programs(t, "node")
	var sizes []int64
	for unit := int64(1); unit <= 1e15; unit *= 10 {
		for _, n := range []int64{0, 1, 2, 5, 8, 9} {
			for _, near := range []int64{-1, 0, 1} {
				sizes = append(sizes, max(0, n*unit+near), max(0, n*unit+unit/2+near), n*unit+unit/20)
			}
		}
	}
	for shift := range 53 {
		sizes = append(sizes, 1<<shift, 5<<shift&(1<<53-1), rand.Int64N(1<<(shift+1)))
	}
	in, err := json.Marshal(sizes)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "--input-type=module", "-e", `
import { humanLimit, humanSize } from "./browser/words.js";
const sizes = JSON.parse(process.argv[1]);
console.log(JSON.stringify(sizes.map((n) => [humanSize(n), humanLimit(n)])));
`, string(in))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var browser [][2]string
	if err := json.Unmarshal(out, &browser); err != nil || len(browser) != len(sizes) {
		t.Fatalf("%d sizes written, %v; want %d", len(browser), err, len(sizes))
	}
	for i, n := range sizes {
		if got, want := browser[i], [2]string{dossier.FormatBytes(n), dossier.FormatLimit(n)}; got != want {
			t.Errorf("%d bytes: the browser writes %q, the server %q", n, got, want)
		}
	}
}
