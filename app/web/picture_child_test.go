package web_test

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"runtime"
	"strconv"
	"testing"

	"dossier.example/app/thumbnail"
)

// TestMain lets the tests' own program be what makes a thumbnail, and runs more tests side by side than there are
// processors, for many wait, for clients that send slowly among others.
func TestMain(m *testing.M) {
	thumbnail.Main()
	// The command line, which is parsed later, takes precedence.
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// pictureOf returns a PNG.
func pictureOf(t *testing.T, w, h int) string {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = byte(i)
	}
	m.SetGray(0, 0, color.Gray{0xff})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
